import { randomBytes } from 'node:crypto'
import { formatNodeId, nodeIdOf, RELAY_STATUS } from '@sluice/wire/relay'
import { describe, it } from 'vitest'
import { systemTiming } from '../peer/timing.ts'
import { MiniRelay } from '../testing/mini-relay.ts'
import { connectWith } from './connect.ts'
import { listenWith } from './listen.ts'
import type { PeerStream } from './sealed-stream.ts'
import { createIdentity } from './web-identity.ts'

const timing = systemTiming

const meet = async (relay = new MiniRelay(), open = relay.open) => {
  const parts = { timing, open }
  const [ours, theirs] = [await createIdentity(), await createIdentity()]
  const came = Promise.withResolvers<PeerStream>()
  // Where the source fails too, that is what the test is told.
  came.promise.catch(() => {})
  const common = { relay: relay.url, token: 'let me in' }
  const options = { ...common, identity: theirs, onStream: came.resolve, onFailed: came.reject }
  const listening = await listenWith(options, parts)
  const peer = listening.id
  const source = await connectWith({ ...common, identity: ours, peer }, parts)
  return { relay, parts, ours, theirs, listening, source, destination: await came.promise }
}

const collect = async (stream: ReadableStream<Uint8Array>): Promise<Buffer> => {
  const parts: Uint8Array[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}
const put = async (stream: WritableStream<Uint8Array>, ...chunks: Uint8Array[]): Promise<void> => {
  const writer = stream.getWriter()
  for (const chunk of chunks) await writer.write(chunk)
  await writer.close()
}

describe.concurrent('two pages', () => {
  it('talk through a relay, each way with an end of its own', async ({ expect }) => {
    const { relay, source, destination, listening, ours } = await meet()
    expect([source.peer, destination.peer]).toEqual([listening.id, formatNodeId(nodeIdOf(ours.publicKey))])
    expect(source.terms).toEqual({ duration: 60, data: 1_000_000, rate: 5000 })
    const up = randomBytes(200_000)
    const got = collect(destination.readable)
    await put(source.writable, up, Buffer.from('end'))
    expect((await got).equals(Buffer.concat([up, Buffer.from('end')]))).toBe(true)
    const back = collect(source.readable)
    await put(destination.writable, Buffer.from('thanks'))
    expect((await back).toString()).toBe('thanks')
    await expect
      .poll(() => relay.sockets.map(({ closedWith }) => closedWith))
      .toEqual([undefined, 1000, 1000])
    expect(relay.urls).toEqual(Array.from({ length: 3 }, () => 'ws://127.0.0.1:1/'))
    expect(relay.tokens.map((token) => Buffer.from(token ?? []).toString())).toEqual(
      Array.from({ length: 3 }, () => 'let me in'),
    )
    listening.close()
    await listening.ended
    await expect.poll(() => relay.sockets[0]!.closedWith).toBe(1000)
  })

  it('show the relay nothing of what they say', async ({ expect }) => {
    const { relay, source, destination } = await meet()
    const got = collect(destination.readable)
    await put(source.writable, Buffer.from('attack at dawn'))
    await got
    expect(Buffer.concat(relay.sockets.flatMap(({ sent }) => sent)).includes('dawn')).toBe(false)
  })

  it.for([
    [
      'half-closes on its own',
      'PEER_TRUNCATED',
      (relay: MiniRelay) => relay.sockets[2]!.send(new Uint8Array(0)),
    ],
    ['closes', 'PEER_TRUNCATED', (relay: MiniRelay) => relay.sockets[2]!.close(1000)],
    ['is gone', 'PEER_TRUNCATED', (relay: MiniRelay) => relay.sockets[2]!.close(1006)],
    ['cuts the circuit', 'PEER_RESET', (relay: MiniRelay) => relay.sockets[2]!.close(4033)],
    [
      'adds a record',
      'PEER_NOISE',
      (relay: MiniRelay) => relay.sockets[2]!.send(Buffer.concat([Buffer.of(0, 20), Buffer.alloc(20)])),
    ],
    [
      'adds a record without a tag',
      'PEER_NOISE',
      (relay: MiniRelay) => relay.sockets[2]!.send(Buffer.of(0, 1, 1)),
    ],
    ['sends a text', 'RELAY_PROTOCOL', (relay: MiniRelay) => relay.sockets[2]!.peer.tell('message', 'hello')],
  ] as const)('see no end where the relay %s', async ([, code, happen], { expect }) => {
    const { relay, source, destination } = await meet()
    const writer = source.writable.getWriter()
    await writer.write(Buffer.from('half of it'))
    const reader = destination.readable.getReader()
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('half of it')
    const next = reader.read()
    happen(relay)
    await expect(next).rejects.toMatchObject({ code })
    if (code === 'PEER_RESET') {
      await expect(next).rejects.toMatchObject({ status: RELAY_STATUS.DATA_LIMIT })
      await expect(writer.write(Buffer.from('more'))).rejects.toMatchObject({ code: 'PEER_RESET' })
    }
  })

  it('see that the other one gave up', async ({ expect }) => {
    const { source, destination } = await meet()
    const got = collect(destination.readable)
    await source.writable.abort()
    await expect(got).rejects.toMatchObject({ code: 'PEER_RESET', status: RELAY_STATUS.PEER_RESET })
    const other = await meet()
    const read = collect(other.source.readable)
    await other.destination.readable.cancel()
    await expect(read).rejects.toMatchObject({ code: 'PEER_RESET' })
  })

  it('do not shake hands where somebody changes what they say', async ({ expect }) => {
    const relay = new MiniRelay()
    relay.change = (bytes) => bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte))
    await expect(meet(relay)).rejects.toMatchObject({ code: 'PEER_NOISE' })
  })

  it('choose whom they talk to', async ({ expect }) => {
    const relay = new MiniRelay()
    const parts = { timing, open: relay.open }
    const asked: string[] = []
    const [ours, theirs] = [await createIdentity(), await createIdentity()]
    const { id: peer } = await listenWith(
      {
        relay: relay.url,
        identity: theirs,
        onStream: () => {},
        allow: (from) => {
          asked.push(from)
          return false
        },
      },
      parts,
    )
    const refused = connectWith({ relay: relay.url, identity: ours, peer }, parts)
    await expect(refused).rejects.toMatchObject({ code: 'RELAY_REFUSED', status: RELAY_STATUS.REJECTED })
    expect(asked).toEqual([formatNodeId(nodeIdOf(ours.publicKey))])
    const nobody = formatNodeId(randomBytes(32))
    await expect(
      connectWith({ relay: relay.url, identity: ours, peer: nobody }, parts),
    ).rejects.toMatchObject({
      status: RELAY_STATUS.NO_RESERVATION,
    })
    await expect.poll(() => relay.sockets.slice(1).map(({ closedWith }) => closedWith)).toEqual([4035, 4035])
  })

  it('find each other where one relay sends them to another', async ({ expect }) => {
    const [first, second] = [new MiniRelay(1), new MiniRelay(2)]
    first.elsewhere = second.url
    const open = (url: string) => (url.endsWith(':1/') ? first : second).open(url)
    const { theirs, listening, destination } = await meet(first, open)
    await destination.writable.abort()
    first.sendAway()
    await expect.poll(() => first.sockets[0]!.closedWith).toBe(1000)
    expect(listening.held).toBeDefined()
    const ours = await createIdentity()
    const stream = await connectWith(
      { relay: first.url, identity: ours, peer: listening.id },
      { timing, open },
    )
    expect(stream.peer).toBe(formatNodeId(nodeIdOf(theirs.publicKey)))
    // Two conns each with the first relay for the first circuit, one that was sent on; the reservation and both ends.
    expect([first.urls.length, second.urls.length]).toEqual([4, 3])
    // Who is sent from there back to the first is not sent on for ever.
    second.elsewhere = first.url
    const nobody = { relay: first.url, identity: ours, peer: formatNodeId(randomBytes(32)) }
    await expect(connectWith(nobody, { timing, open })).rejects.toMatchObject({
      status: RELAY_STATUS.REDIRECT,
    })
  })

  it('go to the relay that was asked for, and no other', async ({ expect }) => {
    const relay = new MiniRelay()
    const identity = await createIdentity()
    const peer = formatNodeId(randomBytes(32))
    const wrong = `ws://127.0.0.1:1/p2p/${formatNodeId(randomBytes(32))}`
    const options = { identity, peer, onStream: () => {} }
    const parts = { timing, open: relay.open }
    const error = { code: 'RELAY_IDENTITY' }
    await expect(connectWith({ ...options, relay: wrong }, parts)).rejects.toMatchObject(error)
    await expect(listenWith({ ...options, relay: wrong }, parts)).rejects.toMatchObject(error)
  })

  it.for(['tls://127.0.0.1:1', 'http://127.0.0.1', 'ws://127.0.0.1:1/p2p/x'])(
    'do not dial %s',
    async (relay, { expect }) => {
      const identity = await createIdentity()
      const options = { identity, relay, peer: formatNodeId(randomBytes(32)) }
      await expect(connectWith(options, { timing })).rejects.toMatchObject({ code: 'RELAY_ADDRESS' })
    },
  )

  it.for([
    ['no NodeID', () => 'abc'],
    ['itself', (id: string) => id],
  ] as const)('do not call %s', async ([, nameOf], { expect }) => {
    const identity = await createIdentity()
    const peer = nameOf(formatNodeId(nodeIdOf(identity.publicKey)))
    const options = { identity, relay: new MiniRelay().url, peer }
    await expect(connectWith(options, { timing })).rejects.toMatchObject({ code: 'RELAY_ADDRESS' })
  })
})
