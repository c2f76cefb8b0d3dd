import { BufferPool } from '@sluice/net'
import { nodeIdOf } from '@sluice/wire/relay'
import { describe, it } from 'vitest'
import { freshIdentity } from '../identity.ts'
import { ConnEnd } from '../testing/conn-end.ts'
import { HostileRelay } from '../testing/hostile-relay.ts'
import { createPeer } from './peer.ts'
import type { PeerCircuit } from './relay-link.ts'
import { secure } from './secure.ts'

const pool = new BufferPool()
const LINE = 'the quick brown fox jumps over the lazy dog. '

/** A peer behind the relay, and one that wants to reach it. */
const stage = async () => {
  const relay = await HostileRelay.open()
  const relays = [relay.url]
  const [farIdentity, nearIdentity] = [freshIdentity(), freshIdentity()]
  const far = createPeer({ identity: farIdentity, relays })
  const near = createPeer({ identity: nearIdentity, relays })
  const came: PeerCircuit[] = []
  const failed: string[] = []
  const onFailed = (_peer: string, error: Error): void => void failed.push(String(Object(error).code))
  await far.listen((circuit) => void came.push(circuit), { failed: onFailed })
  const dispose = (): void => {
    far.close()
    relay[Symbol.dispose]()
  }
  return { relay, far, near, farIdentity, nearIdentity, came, failed, [Symbol.dispose]: dispose }
}

describe.concurrent('a relay that means ill', () => {
  it('passes all on, as long as it does so', async ({ expect }) => {
    using world = await stage()
    const { conn } = await world.near.dial(world.far.id)
    using source = new ConnEnd(conn)
    await expect.poll(() => world.came.map(({ peer }) => peer)).toEqual([world.near.id])
    using destination = new ConnEnd(world.came[0]!.conn)
    source.write(LINE)
    conn.end()
    expect((await destination.rest()).toString()).toBe(LINE)
  })

  it('cannot put somebody else in the place of a destination', async ({ expect }) => {
    using world = await stage()
    const impostor = freshIdentity()
    const expected = nodeIdOf(world.nearIdentity.publicKey)
    world.relay.impostor = (reader) =>
      void secure(reader, { role: 'responder', identity: impostor, expected, pool }).catch(() => {})
    await expect(world.near.dial(world.far.id)).rejects.toMatchObject({
      code: expect.stringMatching(/^PEER_(NOISE|IDENTITY)$/),
    })
  })

  it('cannot put somebody else in the place of a destination whose ID it claims to have', async ({
    expect,
  }) => {
    using world = await stage()
    const liar = freshIdentity()
    const expected = nodeIdOf(world.nearIdentity.publicKey)
    // The prologue is that of the real destination, so that only the proof is wrong.
    const identity = { publicKey: world.farIdentity.publicKey, sign: liar.sign }
    world.relay.impostor = (reader) =>
      void secure(reader, { role: 'responder', identity, expected, pool }).catch(() => {})
    await expect(world.near.dial(world.far.id)).rejects.toMatchObject({ code: 'PEER_IDENTITY' })
  })

  it('cannot make up a source', async ({ expect }) => {
    using world = await stage()
    const { nearIdentity, farIdentity, far, failed, came } = world
    const reader = await world.relay.forge(far.id, nearIdentity.publicKey)
    const identity = { publicKey: nearIdentity.publicKey, sign: freshIdentity().sign }
    const expected = nodeIdOf(farIdentity.publicKey)
    await secure(reader, { role: 'initiator', identity, expected, pool }).catch(() => {})
    await expect.poll(() => failed).toEqual(['PEER_IDENTITY'])
    expect(came).toEqual([])
  })

  it('that breaks a circuit off before anybody has said yes, breaks nothing else', async ({ expect }) => {
    using relay = await HostileRelay.open()
    const far = createPeer({ identity: freshIdentity(), relays: [relay.url] })
    const asked = Promise.withResolvers<void>()
    const failed: string[] = []
    await far.listen(() => {}, {
      admit: () => asked.promise,
      failed: (_peer, error) => void failed.push(String(Object(error).code)),
    })
    // By the time that the last one comes the end of the first has long been noticed.
    for (let nth = 0; nth < 3; nth++) {
      const reader = await relay.forge(far.id, freshIdentity().publicKey)
      reader.release().reset()
    }
    asked.resolve()
    await expect.poll(() => failed.length).toBe(3)
    expect(failed[0]).toMatch(/^(PEER_RESET|RELAY_CLOSED)$/)
    far.close()
  })

  it('cannot offer more circuits than it answers for', async ({ expect }) => {
    using world = await stage()
    const { relay, far, failed, came } = world
    const readers = await Promise.all(
      Array.from({ length: 20 }, () => relay.forge(far.id, freshIdentity().publicKey)),
    )
    for (const reader of readers) reader.release().reset()
    await expect.poll(() => failed.length).toBe(20)
    expect(came).toEqual([])
  })

  it.for([
    ['ends it early', (bytes: Buffer) => (bytes.length > 4000 ? undefined : bytes)],
    ['changes an octet', (bytes: Buffer) => (bytes.length > 4000 ? flipped(bytes) : bytes)],
    [
      'says something twice',
      (bytes: Buffer) => (bytes.length > 4000 ? Buffer.concat([bytes, bytes]) : bytes),
    ],
    ['leaves something out', (bytes: Buffer) => (bytes.length > 4000 ? bytes.subarray(5) : bytes)],
  ] as const)(
    'that %s, delivers nothing wrong and nothing that looks done',
    async ([, change], { expect }) => {
      using world = await stage()
      const { conn } = await world.near.dial(world.far.id)
      using source = new ConnEnd(conn)
      await expect.poll(() => world.came.length).toBe(1)
      using destination = new ConnEnd(world.came[0]!.conn)
      source.write(LINE)
      await destination.octets(LINE.length)
      world.relay.change = change
      source.write(LINE.repeat(200))
      conn.end()
      expect(await destination.over()).toBe('reset')
      expect(LINE.repeat(201).startsWith(destination.text)).toBe(true)
    },
  )
})

const flipped = (bytes: Buffer): Buffer => {
  bytes[1000]! ^= 1
  return bytes
}
