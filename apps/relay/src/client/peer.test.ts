import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import type { Conn } from '@sluice/net'
import { type Address, formatAddress } from '@sluice/wire'
import { formatNodeId, RELAY_STATUS } from '@sluice/wire/relay'
import { describe, it } from 'vitest'
import { BanFile } from '../ban-file.ts'
import { freshIdentity } from '../identity.ts'
import { MemoryPresence } from '../presence.ts'
import { RelayAdmin } from '../relay-admin.ts'
import { ConnEnd } from '../testing/conn-end.ts'
import { openTestRelay, openTestRelayWith } from '../testing/test-relay.ts'
import { knownInMemory } from './known-relays.ts'
import { createPeer, type Peer, type PeerOptions } from './peer.ts'

const peerAt = (relays: PeerOptions['relays'], more: Partial<PeerOptions> = {}): Peer =>
  createPeer({ identity: freshIdentity(), relays, ...more })

const tcp = ({ at }: { at: Address }): string => `tcp://${formatAddress(at)}`

/** A peer that says everything back, and closes. */
const openEcho = async (relays: PeerOptions['relays'], more: Partial<PeerOptions> = {}): Promise<Peer> => {
  const peer = peerAt(relays, more)
  await peer.listen(({ conn }) => void echo(conn))
  return peer
}

const echo = async (conn: Conn): Promise<void> => {
  const end = new ConnEnd(conn)
  try {
    end.write(await end.rest())
    conn.end()
  } catch {
    // The test has cut it.
  }
}

const ask = async (peer: Peer, id: string, text = 'who is there'): Promise<string> => {
  const { conn } = await peer.dial(id)
  using end = new ConnEnd(conn)
  end.write(text)
  conn.end()
  return (await end.rest()).toString()
}

describe.concurrent('two peers', () => {
  it.for(['tcp', 'tls', 'ws', 'wss'] as const)(
    'talk through a relay by %s',
    async (transport, { expect }) => {
      await using relay = await openTestRelay([], '--listen', 'any://127.0.0.1:0')
      const url = `${transport}://${formatAddress(relay.at)}`
      const far = await openEcho([url])
      const near = peerAt([url])
      expect(await ask(near, far.id)).toBe('who is there')
      expect(await ask(near, far.id, 'x'.repeat(1_000_000))).toHaveLength(1_000_000)
      far.close()
    },
  )

  it('talk through a relay of which they know who it is, and through no other', async ({ expect }) => {
    await using relay = await openTestRelay([])
    const id = formatNodeId(relay.relay.identity.nodeId)
    const far = await openEcho([`${tcp(relay)}/p2p/${id}`])
    expect(await ask(peerAt([`${tcp(relay)}/p2p/${id}`]), far.id)).toBe('who is there')
    const wrong = peerAt([`${tcp(relay)}/p2p/${far.id}`])
    const refusal = { code: 'RELAY_IDENTITY', message: `wanted is relay ${far.id}, this is ${id}` }
    await expect(wrong.dial(far.id)).rejects.toMatchObject(refusal)
    await expect(wrong.listen(() => {})).rejects.toMatchObject(refusal)
    far.close()
  })

  it('do so in the clear where both were told to, and not where one was', async ({ expect }) => {
    await using relay = await openTestRelay([])
    const bare = { encrypt: false }
    const open = await openEcho([tcp(relay)], bare)
    const shut = await openEcho([tcp(relay)])
    expect(await ask(peerAt([tcp(relay)], bare), open.id)).toBe('who is there')
    await expect(peerAt([tcp(relay)]).dial(open.id)).rejects.toMatchObject({
      code: 'PEER_NOISE',
      message: 'the other peer does not encrypt, and this one does',
    })
    await expect(peerAt([tcp(relay)], bare).dial(shut.id)).rejects.toMatchObject({
      code: 'PEER_NOISE',
      message: 'the other peer encrypts, and this one was told not to',
    })
    for (const peer of [open, shut]) peer.close()
  })

  it('are told why there is no circuit', async ({ expect }) => {
    await using relay = await openTestRelay([])
    const far = peerAt([tcp(relay)])
    const near = peerAt([tcp(relay)])
    const { NO_RESERVATION, REJECTED } = RELAY_STATUS
    await expect(near.dial(far.id)).rejects.toMatchObject({ code: 'RELAY_REFUSED', status: NO_RESERVATION })
    const admit = (peer: string): void => {
      if (peer === near.id) throw new Error('not on the list')
    }
    await far.listen(() => {}, { admit })
    await expect(near.dial(far.id)).rejects.toMatchObject({
      status: REJECTED,
      message: 'the relay refused: REJECTED, not on the list',
    })
    await expect(near.dial(near.id)).rejects.toMatchObject({ code: 'RELAY_ADDRESS' })
    await expect(near.dial('nonsense')).rejects.toMatchObject({ code: 'RELAY_ADDRESS' })
    far.close()
  })
})

describe.concurrent('several relays', () => {
  it('serve where one dies', async ({ expect }) => {
    await using stays = await openTestRelay([])
    const dies = await openTestRelay([])
    const relays = [tcp(dies), tcp(stays)]
    const far = await openEcho(relays)
    const near = peerAt(relays)
    expect(await ask(near, far.id)).toBe('who is there')
    await dies[Symbol.asyncDispose]()
    await expect.poll(() => ask(near, far.id).catch(() => '')).toBe('who is there')
    far.close()
  })

  it('send peers to each other when one closes, and circuits are to be had all the time', async ({
    expect,
  }) => {
    await using closes = await openTestRelay([])
    await using stays = await openTestRelay([])
    const held: string[][] = []
    const far = peerAt([tcp(closes)])
    await far.listen(({ conn }) => void echo(conn), {
      held: (_relay, { addresses }) => void held.push([...addresses]),
    })
    new RelayAdmin(closes.relay, new BanFile(closes.data), () => {}).drain(tcp(stays))
    await expect.poll(() => held.length).toBe(2)
    expect(held[1]).toEqual([expect.stringContaining(`/tcp/${stays.at.port}/`)])
    expect(await ask(peerAt([tcp(stays)]), far.id)).toBe('who is there')
    far.close()
  })

  it('tell those who ask who is where', async ({ expect }) => {
    const presence = new MemoryPresence()
    await using has = await openTestRelay([])
    await using asked = await openTestRelayWith({ presence }, [])
    const far = await openEcho([tcp(has)])
    await presence.claim(far.id, { relay: tcp(has), epoch: 1 }, 60_000)
    expect(await ask(peerAt([tcp(asked)]), far.id)).toBe('who is there')
    await presence.claim(far.id, { relay: tcp(asked), epoch: 2 }, 60_000)
    await expect(peerAt([tcp(asked)]).dial(far.id)).rejects.toMatchObject({ status: RELAY_STATUS.REDIRECT })
    far.close()
  })

  it('hold a peer each, who is found by all', async ({ expect }) => {
    await using one = await openTestRelay([])
    await using other = await openTestRelay([])
    const far = await openEcho([tcp(other)])
    expect(await ask(peerAt([tcp(one), tcp(other)]), far.id)).toBe('who is there')
    far.close()
  })
})

it.concurrent('a relay has to stay the one that it was', async ({ expect }) => {
  await using first = await openTestRelay([])
  const known = knownInMemory()
  const near = peerAt([tcp(first)], { known })
  await expect(near.dial(freshIdentity().id)).rejects.toMatchObject({ status: RELAY_STATUS.NO_RESERVATION })
  const id = formatNodeId(first.relay.identity.nodeId)
  expect(known.get(first.at)).toBe(id)
  const another = knownInMemory()
  const somebody = freshIdentity().id
  another.add(first.at, somebody)
  await expect(peerAt([tcp(first)], { known: another }).listen(() => {})).rejects.toMatchObject({
    code: 'RELAY_IDENTITY',
    message: expect.stringMatching(
      new RegExp(`first seen there: wanted is relay ${somebody}, this is ${id}`),
    ),
  })
})

it.concurrent('whoever has no room for a circuit waits for it, and knows the limit', async ({ expect }) => {
  await using relay = await openTestRelay([], '--circuits-per-peer', '1')
  const far = await openEcho([tcp(relay)])
  const near = peerAt([tcp(relay)])
  const first = await near.dial(far.id)
  const full = { status: RELAY_STATUS.RESOURCE_LIMIT_EXCEEDED }
  await expect(near.dial(far.id)).rejects.toMatchObject(full)
  await expect(near.dial(far.id, { waitMs: 1 })).rejects.toMatchObject(full)
  const told: string[] = []
  const second = near.dial(far.id, { waitMs: 20_000, onWait: ({ message }) => void told.push(message) })
  await expect.poll(() => told).toEqual([expect.stringMatching(/circuits-source|circuits-destination/)])
  first.conn.reset()
  const { conn } = await second
  conn.destroy()
  far.close()
})

const openServer = async (server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as { port: number }).port
}

it.concurrent('who can be had does not wait for who cannot', async ({ expect }) => {
  await using relay = await openTestRelay([], '--circuits-per-peer', '2')
  const [busy, free] = [await openEcho([tcp(relay)]), await openEcho([tcp(relay)])]
  const others = [peerAt([tcp(relay)]), peerAt([tcp(relay)])]
  const held = await Promise.all(others.map((peer) => peer.dial(busy.id)))
  const near = peerAt([tcp(relay)])
  const abort = new AbortController()
  const told: string[] = []
  const onWait = ({ reason }: { reason: string }): void => void told.push(reason)
  const waiting = near.dial(busy.id, { waitMs: 20_000, onWait, signal: abort.signal })
  await expect.poll(() => told).toEqual(['circuits-destination'])
  expect(await ask(near, free.id)).toBe('who is there')
  abort.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  for (const { conn } of held) conn.reset()
  for (const peer of [busy, free]) peer.close()
})

it.concurrent('an access token goes nowhere where it can be read', async ({ expect }) => {
  const identity = freshIdentity()
  const make = (relay: string) => () => createPeer({ identity, relays: [relay], token: 'secret' })
  expect(make('tcp://192.0.2.1:1')).toThrow(expect.objectContaining({ code: 'RELAY_ADDRESS' }))
  expect(make('tcp://127.0.0.1:1')).not.toThrow()
  expect(make('tls://192.0.2.1:1')).not.toThrow()
  expect(() => make('tcp://127.0.0.1:1')().links[0]!.redirected('tcp://192.0.2.1:1')).toThrow(
    'tls or wss only',
  )
  expect(() => peerAt(['tls://192.0.2.1:1']).links[0]!.redirected('ws://192.0.2.1:1')).toThrow('not secure')
  const server = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'))
  const relay = `tcp://127.0.0.1:${await openServer(server)}`
  await expect(peerAt([relay]).dial(identity.id)).rejects.toMatchObject({ code: 'RELAY_PROTOCOL' })
  server.close()
})
