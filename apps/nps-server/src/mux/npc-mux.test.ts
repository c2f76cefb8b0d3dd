import type { Conn } from '@sluice/net'
import { Collector, connPair, memoryConns, NEVER, tlsPair, turns } from '@sluice/net/testing'
import { ManualClock } from '@sluice/ratelimit'
import { encodeNpcFrame } from '@sluice/wire/npc'
import { afterEach, describe, expect, it } from 'vitest'
import type { NpcMessages } from './npc-messages.ts'
import { NpcMux, type NpcMuxOptions } from './npc-mux.ts'

const muxes: NpcMux[] = []

afterEach(() => {
  for (const mux of muxes.splice(0)) mux.close()
})

interface Ends {
  readonly server: NpcMux
  readonly client: NpcMux
  /** The streams as the client has them. */
  readonly accepted: Conn[]
  readonly closed: { server?: Error | undefined; client?: Error | undefined }
}

const muxPair = ([conn, peer]: readonly Conn[], options: Partial<NpcMuxOptions> = {}): Ends => {
  const accepted: Conn[] = []
  const closed: Ends['closed'] = {}
  const server = new NpcMux({ conn: conn!, onClose: (error) => (closed.server = error) })
  const onStream = (stream: Conn): void => void accepted.push(stream)
  const onClose = (error: Error | undefined): void => void (closed.client = error)
  const client = new NpcMux({ conn: peer!, onStream, onClose, ...options })
  muxes.push(server, client)
  return { server, client, accepted, closed }
}

const carriers: Record<string, () => Promise<Conn[]>> = {
  memory: () => Promise.resolve(memoryConns()),
  TCP: async () => Object.values(await connPair()),
  TLS: async () => Object.values(await tlsPair()),
}

describe.each(Object.entries(carriers))('streams over %s', (_name, carrier) => {
  const open = async (): Promise<Ends & { conn: Conn; peer: Conn }> => {
    const ends = muxPair(await carrier())
    const conn = await ends.server.open(NEVER)
    return { ...ends, conn, peer: ends.accepted[0]! }
  }

  it('bring what was sent before a close, and close both ways', async () => {
    const { server, client, conn, peer } = await open()
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
    expect([here.error, there.error, server.streams, client.streams]).toEqual([undefined, undefined, 0, 0])
  })
})

/** A stream to a peer of which only frames are seen. */
const openRaw = async (
  options: Partial<NpcMuxOptions> = {},
): Promise<{ mux: NpcMux; client: Collector; peer: Conn; conn: Conn }> => {
  const [carrier, peer] = memoryConns()
  const client = new Collector(peer)
  const mux = new NpcMux({ conn: carrier, onClose: () => {}, ...options })
  muxes.push(mux)
  const opening = mux.open(NEVER)
  await client.until(() => client.size > 0)
  peer.write(encodeNpcFrame({ type: 'opened', id: 1 }))
  return { mux, client, peer, conn: await opening }
}

describe('a stream', () => {
  it('brings what the peer sends until it answers a close', async () => {
    const { mux, peer, conn } = await openRaw()
    const here = new Collector(conn)
    conn.end()
    peer.write(encodeNpcFrame({ type: 'data', id: 1, payload: Buffer.from('last words'), isEnd: true }))
    peer.write(encodeNpcFrame({ type: 'close', id: 1 }))
    await here.until(() => here.has('close'))
    expect([here.text, here.events, mux.streams]).toEqual(['last words', ['data', 'end', 'close'], 0])
  })

  it('ends in good order where the peer does not answer a close', async () => {
    const clock = new ManualClock()
    const { mux, peer, conn } = await openRaw({ clock })
    const here = new Collector(conn)
    conn.end()
    for (let ticks = 0; ticks < 3; ticks++) {
      peer.write(encodeNpcFrame({ type: 'close', id: 99 }))
      await turns()
      clock.advance(5000)
    }
    await here.until(() => here.has('close'))
    expect([here.events, mux.streams]).toEqual([['end', 'close'], 0])
  })

  it('drops what is written after the close of the peer, and breaks where that goes on', async () => {
    const { server, accepted } = muxPair(memoryConns())
    const conn = await server.open(NEVER)
    const here = new Collector(conn)
    accepted[0]!.destroy()
    await here.until(() => here.has('end'))
    expect(conn.write(Buffer.alloc(1024 * 1024))).toBe(true)
    await turns()
    expect(here.events).toEqual(['end'])
    conn.write(Buffer.alloc(1))
    await here.until(() => here.has('break'))
    expect([here.error, server.streams]).toEqual([expect.objectContaining({ code: 'TARGET_RESET' }), 0])
  })
})

describe('messages', () => {
  const open = async (): Promise<{
    near: Awaited<ReturnType<NpcMux['openDatagrams']>>
    far: NpcMessages
  }> => {
    let far: NpcMessages | undefined = undefined
    const { server } = muxPair(memoryConns(), { onMessages: (stream) => (far = stream) })
    const near = await server.openDatagrams(NEVER)
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
})
