import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Conn } from '@sluice/net'
import { formatAddress } from '@sluice/wire'
import { expect, it } from 'vitest'
import { freshIdentity } from '../identity.ts'
import { ConnEnd } from '../testing/conn-end.ts'
import { CutProxy } from '../testing/cut-proxy.ts'
import { openTestRelay } from '../testing/test-relay.ts'
import { createPeer } from './peer.ts'

const CIRCUITS = 40
const PATTERN = Array.from({ length: 20_000 }, (_, n) => `${n} `).join('')

/** Says the pattern, piece by piece, for as long as somebody reads. */
const say = (conn: Conn): void => {
  let at = 0
  const next = (): void => {
    while (!conn.closed && at < PATTERN.length) {
      const piece = PATTERN.slice(at, at + 1000)
      at += piece.length
      if (!conn.write(Buffer.from(piece))) return
    }
    // It never ends, so an end would be the relay's.
  }
  conn.attach({ onData: () => {}, onEnd: () => {}, onDrain: next, onClose: () => {} })
  conn.resume()
  next()
}

it('a relay dies under its circuits: none looks done, and all peers are back when it is', async () => {
  const data = mkdtempSync(join(tmpdir(), 'relay-death-'))
  const flags = ['--data', data, '--preset', 'private']
  const first = await openTestRelay([], ...flags)
  using proxy = await CutProxy.open(first.at)
  const relays = [`tcp://${formatAddress(proxy.address)}`]
  const far = createPeer({ identity: freshIdentity(), relays })
  const told: string[] = []
  await far.listen(({ conn }) => say(conn), {
    held: () => void told.push('held'),
    lost: () => void told.push('lost'),
  })
  const near = createPeer({ identity: freshIdentity(), relays })
  const ends = await Promise.all(
    Array.from({ length: CIRCUITS }, async () => new ConnEnd((await near.dial(far.id)).conn)),
  )
  for (const end of ends) await end.octets(1000)
  proxy.kill()
  expect(new Set(await Promise.all(ends.map((end) => end.over())))).toEqual(new Set(['reset']))
  for (const end of ends) expect(PATTERN.startsWith(end.text)).toBe(true)
  await first[Symbol.asyncDispose]()
  await expect.poll(() => told.at(-1)).toBe('lost')
  await using second = await openTestRelay([], ...flags)
  proxy.target = second.at
  const backAt = performance.now()
  await expect.poll(() => told.at(-1), { timeout: 20_000 }).toBe('held')
  expect(performance.now() - backAt).toBeLessThan(10_000)
  using again = new ConnEnd((await near.dial(far.id)).conn)
  await again.octets(1000)
  expect(PATTERN.startsWith(again.text)).toBe(true)
  far.close()
  rmSync(data, { recursive: true })
}, 60_000)
