import type { Conn } from '@sluice/net'
import { Collector, memoryConns, NEVER, turns } from '@sluice/net/testing'
import { ManualClock } from '@sluice/ratelimit'
import { encodeNpcFrame, NPC_INITIAL_WINDOW, type NpcFrame, npcMessageRoom } from '@sluice/wire/npc'
import { afterEach, describe, expect, it } from 'vitest'
import type { NpcMessages } from './npc-messages.ts'
import { NpcMux, type NpcMuxOptions } from './npc-mux.ts'
import { carriers, MuxEnds } from './testing/mux-ends.ts'

const all: { close(): void }[] = []

afterEach(() => {
  for (const each of all.splice(0)) each.close()
})

const pair = (conns: readonly Conn[] = memoryConns(), far: Partial<NpcMuxOptions> = {}): MuxEnds<NpcMux> => {
  const ends = new MuxEnds(NpcMux, conns, {}, far)
  all.push(ends)
  return ends
}

it.each(Object.entries(carriers))('what was sent before a close comes, over %s', async (_name, carrier) => {
  const ends = pair(await carrier())
  const conn = await ends.near.open(NEVER)
  const peer = ends.accepted[0]!
  const [here, there] = [new Collector(conn), new Collector(peer)]
  conn.write(Buffer.alloc(1_000_000, 'q'))
  await there.until(() => there.size === 1_000_000)
  peer.write(Buffer.alloc(1_000_000, 'a'))
  peer.end()
  await here.until(() => here.has('end'))
  expect([here.size, conn.closed, here.events]).toEqual([1_000_000, false, ['drain', 'data', 'end']])
  conn.end()
  await here.until(() => here.has('close'))
  await there.until(() => there.has('close'))
  expect([here.error, there.error, ends.near.streams, ends.far.streams]).toEqual([undefined, undefined, 0, 0])
})

interface Raw {
  readonly mux: NpcMux
  readonly client: Collector
  readonly ended: (Error | undefined)[]
  readonly send: (frame: NpcFrame) => void
}

/** A mux, to a peer of which only frames are seen. */
const raw = (options: Partial<NpcMuxOptions> = {}): Raw => {
  const [carrier, peer] = memoryConns()
  const ended: (Error | undefined)[] = []
  const mux = new NpcMux({ conn: carrier, onClose: (error) => ended.push(error), ...options })
  all.push(mux)
  return { mux, client: new Collector(peer), ended, send: (frame) => void peer.write(encodeNpcFrame(frame)) }
}

const openRaw = async (options: Partial<NpcMuxOptions> = {}): Promise<Raw & { conn: Conn }> => {
  const ends = raw(options)
  const opening = ends.mux.open(NEVER)
  ends.send({ type: 'opened', id: 1 })
  return { ...ends, conn: await opening }
}

describe('a stream', () => {
  it('brings what the peer sends until it answers a close', async () => {
    const { mux, send, conn } = await openRaw()
    const here = new Collector(conn)
    conn.end()
    send({ type: 'data', id: 1, payload: Buffer.from('last words'), isEnd: true })
    send({ type: 'close', id: 1 })
    await here.until(() => here.has('close'))
    expect([here.text, here.events, mux.streams]).toEqual(['last words', ['data', 'end', 'close'], 0])
  })

  it('ends in good order where the peer does not answer a close', async () => {
    const clock = new ManualClock()
    const { mux, send, conn } = await openRaw({ clock })
    const here = new Collector(conn)
    conn.end()
    for (let ticks = 0; ticks < 3; ticks++) {
      send({ type: 'close', id: 99 })
      await turns()
      clock.advance(5000)
    }
    await here.until(() => here.has('close'))
    expect([here.events, mux.streams]).toEqual([['end', 'close'], 0])
  })

  it('drops what is written after the close of the peer, and breaks where that goes on', async () => {
    const { near, accepted } = pair()
    const conn = await near.open(NEVER)
    const here = new Collector(conn)
    accepted[0]!.destroy()
    await here.until(() => here.has('end'))
    expect(conn.write(Buffer.alloc(1024 * 1024))).toBe(true)
    await turns()
    expect(here.events).toEqual(['end'])
    conn.write(Buffer.alloc(1))
    await here.until(() => here.has('break'))
    expect([here.error, near.streams]).toEqual([expect.objectContaining({ code: 'TARGET_RESET' }), 0])
  })
})

describe('windows', () => {
  it('let no more out than the peer has leave for, whatever it acknowledges', async () => {
    const { client, send, conn } = await openRaw()
    const here = new Collector(conn)
    await turns()
    const before = client.size
    expect(conn.write(Buffer.alloc(1024 * 1024))).toBe(false)
    await turns()
    const whole = before + npcMessageRoom(NPC_INITIAL_WINDOW)
    expect(client.size).toBe(whole)
    // More than was sent counts for nothing.
    send({ type: 'window', id: 1, read: NPC_INITIAL_WINDOW + 1, max: 0x7fff_ffff })
    await turns()
    expect([client.size, here.events]).toEqual([whole, []])
    send({ type: 'window', id: 1, read: 4085, max: NPC_INITIAL_WINDOW })
    await turns()
    expect(client.size).toBe(whole + npcMessageRoom(4085))
    send({ type: 'window', id: 1, read: 0, max: 4 * 1024 * 1024 })
    await here.until(() => here.has('drain'))
  })

  it('are acknowledged once for all that came in a turn, and never more than came', async () => {
    const { client, send, conn } = await openRaw()
    const here = new Collector(conn)
    await turns()
    const before = client.size
    for (let i = 0; i < 20; i++) send({ type: 'data', id: 1, payload: Buffer.alloc(4085), isEnd: false })
    await turns()
    const acks = client.bytes.subarray(before)
    let read = 0
    for (let at = 0; at < acks.length; at += 13) read += acks.readUInt32LE(at + 5)
    expect([acks[0], read, here.size]).toEqual([5, 20 * 4085, 20 * 4085])
    expect(acks.length).toBeLessThan(13 * 20)
  })

  it('are not for the peer to pass', async () => {
    const { send, conn, ended } = await openRaw()
    conn.pause()
    const here = new Collector(conn)
    conn.pause()
    for (let i = 0; i < 100; i++) send({ type: 'data', id: 1, payload: Buffer.alloc(4085), isEnd: false })
    await here.until(() => here.has('break'))
    expect(ended).toMatchObject([{ code: 'WIRE_TOO_LONG' }])
  })
})

describe('a mux', () => {
  it('drops frames of ids that it does not know', async () => {
    const { send, ended, mux } = raw()
    const id = 77
    send({ type: 'data', id, payload: Buffer.from('x'), isEnd: true })
    send({ type: 'window', id, read: 1, max: 1 })
    for (const type of ['opened', 'refused', 'close'] as const) send({ type, id })
    await turns()
    expect([ended, mux.closed]).toEqual([[], false])
  })

  it('refuses what the peer opens', async () => {
    const { send, client } = raw()
    send({ type: 'open', id: 5 })
    await turns()
    expect(client.bytes.subarray(-5)).toEqual(Buffer.from([2, 5, 0, 0, 0]))
  })

  it.each([
    [
      '4,086 octets in one frame',
      Buffer.concat([Buffer.from([3, 1, 0, 0, 0, 0xf6, 0x0f]), Buffer.alloc(4086)]),
      'WIRE_TOO_LONG',
    ],
    ['none', Buffer.from([3, 1, 0, 0, 0, 0, 0]), 'WIRE_LENGTH'],
    ['a frame that there is not', Buffer.from([9, 1, 0, 0, 0]), 'WIRE_VALUE'],
  ])('ends at %s', async (_what, bytes, code) => {
    const { client, ended } = raw()
    client.conn.write(bytes)
    await client.until(() => client.has('end'))
    expect(ended).toMatchObject([{ code }])
  })

  it('pings in the words of a clock, and answers word for word', async () => {
    const { send, client } = raw()
    await client.until(() => client.size > 0)
    expect(client.text.slice(7)).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
    send({ type: 'ping', opaque: Buffer.from('2026-11-21T23:59:59.123456789Z') })
    const pong = encodeNpcFrame({ type: 'pong', opaque: Buffer.from('2026-11-21T23:59:59.123456789Z') })
    await client.until(() => client.size > 31)
    expect(client.bytes.subarray(-pong.length)).toEqual(Buffer.from(pong))
  })
})

describe('opening', () => {
  const lastClose = (client: Collector): boolean =>
    client.bytes.subarray(-5).equals(Buffer.from([7, 1, 0, 0, 0]))

  it('fails where the peer refuses, or closes at once', async () => {
    for (const type of ['refused', 'close'] as const) {
      const { mux, send } = raw()
      const opening = mux.open(NEVER)
      send({ type, id: 1 })
      await expect(opening).rejects.toMatchObject({ code: 'DIAL_REFUSED' })
      expect(mux.streams).toBe(0)
    }
  })

  it('fails after 10 s, and takes it back', async () => {
    const clock = new ManualClock()
    const { mux, client } = raw({ clock })
    const opening = mux.open(NEVER)
    await turns()
    clock.advance(9999)
    expect(mux.streams).toBe(1)
    clock.advance(1)
    await expect(opening).rejects.toMatchObject({ code: 'DIAL_TIMEOUT' })
    await turns()
    expect([mux.streams, lastClose(client)]).toEqual([0, true])
  })

  it('may be given up, before and meanwhile', async () => {
    const { mux, client } = raw()
    const abort = new AbortController()
    const opening = mux.open(abort.signal)
    await turns()
    abort.abort(new Error('enough'))
    await expect(opening).rejects.toThrow('enough')
    await expect(mux.open(abort.signal)).rejects.toThrow('enough')
    await turns()
    expect([mux.streams, lastClose(client)]).toEqual([0, true])
  })

  it('fails where the mux ends', async () => {
    const { mux, client } = raw()
    const opening = mux.openDatagrams(NEVER)
    client.conn.reset()
    await expect(opening).rejects.toMatchObject({ code: 'AGENT_LOST' })
  })
})

describe('messages', () => {
  const open = async (): Promise<{
    near: Awaited<ReturnType<NpcMux['openDatagrams']>>
    far: NpcMessages
  }> => {
    let far: NpcMessages | undefined = undefined
    const ends = pair(memoryConns(), { onMessages: (stream) => (far = stream) })
    const near = await ends.near.openDatagrams(NEVER)
    return { near, far: far! }
  }

  it.each([1, 4085, 4086, 65_507])('of %i octets keep their boundaries', async (size) => {
    const { near, far } = await open()
    const seen: string[] = []
    far.onMessage = (message) => seen.push(Buffer.from(message).toString('latin1'))
    expect(near.sendRaw(Buffer.from('head'))).toBe(true)
    expect(near.send(Buffer.alloc(size, 'a'))).toBe(true)
    expect(near.send(Buffer.from('b'))).toBe(true)
    await turns()
    expect(seen).toEqual(['head', 'a'.repeat(size), 'b'])
  })

  it('may turn into bytes after the first', async () => {
    const { near, far } = await open()
    let stream: Conn | undefined = undefined
    far.onMessage = () => (stream = far.toConn())
    near.sendRaw(Buffer.from('head'))
    near.send(Buffer.from('one'))
    near.send(Buffer.from('two'))
    await turns()
    expect(new Collector(stream!).text).toBe('onetwo')
  })

  it('that are none are not sent, nor any after the end', async () => {
    const { near, far } = await open()
    expect([near.send(Buffer.alloc(0)), near.send(Buffer.alloc(65_508))]).toEqual([false, false])
    const ends: unknown[] = []
    near.onClose = (error) => ends.push(error)
    far.close()
    await turns()
    expect([ends, near.send(Buffer.from('x')), near.sendRaw(Buffer.from('x'))]).toEqual([
      [undefined],
      false,
      false,
    ])
  })

  it('are dropped where the peer does not take them, or the carrier', async () => {
    const conns = memoryConns()
    const ends = pair(conns, { onMessages: () => {} })
    const streams = await Promise.all(Array.from({ length: 4 }, () => ends.near.openDatagrams(NEVER)))
    await turns()
    conns[0].stalled = true
    const sent = streams.map((stream) => {
      let count = 0
      while (stream.send(Buffer.alloc(60_000))) count++
      return count
    })
    // Up to the window of 256 KiB and one over it; and up to two writes to the carrier.
    expect(sent).toEqual([5, 5, 2, 0])
    for (const stream of streams) stream.close()
    expect(ends.near.streams).toBe(0)
  })

  it('too large to be a datagram are passed over', async () => {
    const { mux, send } = raw()
    const opening = mux.openDatagrams(NEVER)
    send({ type: 'opened', id: 1 })
    const near = await opening
    const seen: number[] = []
    near.onMessage = (message) => seen.push(message.length)
    for (let i = 0; i < 17; i++) send({ type: 'data', id: 1, payload: Buffer.alloc(4085), isEnd: i === 16 })
    send({ type: 'data', id: 1, payload: Buffer.from('abc'), isEnd: true })
    await turns()
    expect(seen).toEqual([3])
  })
})
