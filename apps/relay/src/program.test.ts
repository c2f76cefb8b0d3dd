import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseNodeId, parseRelayUrl, RELAY_STATUS } from '@sluice/wire/relay'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { TestPeer } from './testing/test-peer.ts'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const NODE = [
  '--conditions=@sluice/source',
  '--experimental-strip-types',
  '--disable-warning=ExperimentalWarning',
]

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'relay-program-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const start = (...argv: string[]): ReturnType<typeof spawn> =>
  spawn(process.execPath, [...NODE, MAIN, ...argv, '--data', folder], { stdio: ['ignore', 'pipe', 'pipe'] })

const run = async (...argv: string[]): Promise<{ code: number; out: string; error: string }> => {
  const child = start(...argv)
  let [out, error] = ['', '']
  child.stdout!.on('data', (chunk) => (out += String(chunk)))
  child.stderr!.on('data', (chunk) => (error += String(chunk)))
  const [code] = (await once(child, 'close')) as [number]
  return { code, out, error }
}

it.each([
  [['--listen', 'tcp://0.0.0.0:0', '--open'], '--listen: tcp://0.0.0.0:0 is neither TLS nor loopback'],
  [['--listen', 'tls://0.0.0.0:0'], '--listen: tls://0.0.0.0:0 is not loopback and there is no user'],
  [['--listen', 'udp://127.0.0.1:1'], '--listen: "udp://127.0.0.1:1" is not listeners'],
  [['--tls-cert', 'cert.pem'], '--tls-cert and --tls-key want each other'],
  [['--circuits', '-1'], '--circuits: "-1" is not a whole number'],
])('does not start with %j, and says what is wrong in one line', async (argv, words) => {
  const { code, error } = await run('--ops', '127.0.0.1:0', ...argv)
  expect(error).toContain(words)
  expect(error.trimEnd().split('\n')).toHaveLength(1)
  expect(code).toBe(2)
})

it('does not start with an identity that is broken', async () => {
  writeFileSync(join(folder, 'relay-identity.pem'), 'broken')
  const { code, error } = await run('--ops', '127.0.0.1:0', '--listen', 'tcp://127.0.0.1:0')
  expect(error).toContain('relay-identity.pem does not hold an Ed25519 private key')
  expect(code).toBe(2)
})

it('tells where it listens, follows its settings, and ends', async () => {
  const config = join(folder, 'relay.yaml')
  writeFileSync(config, 'circuits-per-peer: 3\n')
  const child = start('--ops', '127.0.0.1:0', '--listen', 'any://127.0.0.1:0', '--config', config)
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  const until = async (msg: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const { value } = (await lines.next()) as { value: string }
      const line = JSON.parse(value) as Record<string, unknown>
      if (line['msg'] === msg) return line
    }
  }
  const { door, host, port } = await until('listening')
  expect([door, host]).toEqual(['any', '127.0.0.1'])
  await until('ready')
  const at = { host: '127.0.0.1', port: port as number }
  using peer = await TestPeer.dial(at)
  expect((await peer.login()).circuits).toBe(3)
  writeFileSync(config, 'circuits-per-peer: 5\n')
  child.kill('SIGHUP')
  await until('reloaded')
  using later = await TestPeer.dial(at)
  expect((await later.login()).circuits).toBe(5)
  await peer.reserve()
  const closed = once(child, 'close')
  child.kill('SIGTERM')
  expect(await peer.frame('goaway')).toMatchObject({ status: RELAY_STATUS.SHUTTING_DOWN, address: '' })
  peer.end()
  expect(await closed).toEqual([0, null])
})

it('prints where peers find it, with its identity', async () => {
  await run('user', 'add', 'alice')
  const listen = ['--listen', 'tls://127.0.0.1:4001,ws://127.0.0.1:4002']
  const { out } = await run('user', 'link', 'alice', '--json', ...listen)
  const { urls } = JSON.parse(out) as { urls: Record<string, string> }
  expect(Object.keys(urls).toSorted()).toEqual(['tls', 'ws'])
  expect(parseRelayUrl(urls['tls']!)).toMatchObject({ transport: 'tls', address: { port: 4001 } })
  expect(parseNodeId(urls['ws']!.split('/p2p/')[1]!)).toHaveLength(32)
})
