import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { peerLines } from './peer-lines.ts'

it('gives the URL, a peer, and one that leads to it', () => {
  const url = 'tls://127.0.0.1:8891/p2p/ID'
  expect(peerLines({ program: 'relay', url, token: 'abc', data: './data' })).toEqual([
    url,
    `echo abc | relay peer listen --data ./data/peer-a --relay ${url} --token-stdin --forward 127.0.0.1:22`,
    `echo abc | relay peer dial "$(relay peer id --data ./data/peer-a)" --data ./data/peer-b --relay ${url} --token-stdin ` +
      '--listen 127.0.0.1:2222',
  ])
})

it('is the same words for a shell, whatever is in them', () => {
  const [, line = ''] = peerLines({
    program: 'echo',
    url: 'tls://[::1]:1/p2p/ID',
    token: '$x',
    data: "it's here",
  })
  const said = execFileSync('sh', ['-c', line], { encoding: 'utf8' })
  expect(said).toBe(
    "peer listen --data it's here/peer-a --relay tls://[::1]:1/p2p/ID --token-stdin --forward 127.0.0.1:22\n",
  )
})
