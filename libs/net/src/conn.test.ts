import { afterEach, describe, expect, it } from 'vitest'
import type { Conn } from './conn.ts'
import { Collector } from './testing/collector.ts'
import { connPair, seesEveryReset, tlsPair, turns, wsPair } from './testing/loopback.ts'
import { memoryConns } from './testing/memory-conn.ts'
import { WsConn } from './ws/ws-conn.ts'

// One contract for every kind of conn. `conn` is the one that is looked at, `peer` is at its other end.

const conns: Conn[] = []
const kinds: Record<string, () => Promise<[conn: Conn, peer: Conn]>> = {
  memory: () => Promise.resolve(memoryConns()),
  accepted: async () => {
    const { accepted, dialled } = await connPair()
    return [accepted, dialled]
  },
  dialled: async () => {
    const { accepted, dialled } = await connPair()
    return [dialled, accepted]
  },
  'accepted, TLS': async () => {
    const { accepted, dialled } = await tlsPair()
    return [accepted, dialled]
  },
  'dialled, TLS': async () => {
    const { accepted, dialled } = await tlsPair()
    return [dialled, accepted]
  },
  'accepted, WebSocket': async () => {
    const { accepted, dialled } = await wsPair()
    return [accepted, dialled]
  },
  'dialled, WebSocket': async () => {
    const { accepted, dialled } = await wsPair()
    return [dialled, accepted]
  },
  'WebSocket, TLS': async () => {
    const { accepted, dialled } = await wsPair(tlsPair)
    return [accepted, dialled]
  },
  'WebSocket, memory': async () => {
    const [accepted, dialled] = memoryConns()
    const pair = await wsPair(() => Promise.resolve({ accepted, dialled }))
    return [pair.accepted, pair.dialled]
  },
}

/** More than the buffers of a socket hold. */
const MUCH = Buffer.alloc(24 * 1024 * 1024, 'm')

afterEach(() => {
  for (const conn of conns.splice(0)) conn.destroy()
})

describe.each(Object.entries(kinds))('a conn: %s', (kind, make) => {
  /** Over TLS no write goes out at once. */
  const late = kind.endsWith('TLS') ? ['drain'] : []
  /** Who looks up from a WebSocket sees that a close was none that both had agreed on. */
  const isTelling = kind.includes('WebSocket')
  const broken = isTelling ? /WEBSOCKET_CLOSED/ : /ECONNRESET|EPIPE/
  const open = async (): Promise<[Conn, Conn]> => {
    const pair = await make()
    conns.push(...pair)
    return pair
  }

  it('brings what was sent, in order, and half-closes each way', async () => {
    const [conn, peer] = await open()
    const here = new Collector(conn)
    const there = new Collector(peer)
    peer.write(Buffer.from('ab'))
    peer.write(Buffer.from('cd'))
    peer.end()
    await here.until(() => here.has('end'))
    expect(here.text).toBe('abcd')
    expect(here.events).toEqual(['data', 'end'])
    conn.write(Buffer.from('still open'))
    await there.until(() => there.size > 0)
    expect([conn.closed, peer.closed]).toEqual([false, false])
    conn.end()
    await here.until(() => here.has('close'))
    await there.until(() => there.has('close'))
    expect([here.events, there.events]).toEqual([
      ['data', 'end', ...late, 'close'],
      ['data', 'end', 'close'],
    ])
    expect([conn.closed, peer.closed, here.error, there.error]).toEqual([true, true, undefined, undefined])
  })

  it('keeps what comes while nobody is attached', async () => {
    const [conn, peer] = await open()
    peer.write(Buffer.from('early'))
    await turns()
    peer.write(Buffer.from(' bird'))
    peer.end()
    await turns()
    const here = new Collector(conn)
    await here.until(() => here.has('end'))
    expect([here.text, here.events]).toEqual(['early bird', ['data', 'end']])
  })

  it.each(['end', 'destroy', 'reset'] as const)(
    'keeps the %s that comes while nobody is attached',
    async (how) => {
      const [conn, peer] = await open()
      await turns()
      conn.attach(undefined)
      peer[how]()
      await turns()
      const here = new Collector(conn)
      const last = how === 'reset' || (how === 'destroy' && isTelling) ? 'break' : 'end'
      await here.until(() => here.has(last))
      expect(here.events).toEqual([last])
    },
  )

  it('tells every sink of an end that has passed', async () => {
    const [conn, peer] = await open()
    const first = new Collector(conn)
    peer.end()
    await first.until(() => first.has('end'))
    conn.attach(undefined)
    const second = new Collector(conn)
    expect([first.events, second.events]).toEqual([['end'], ['end']])
    conn.pause()
    conn.resume()
    expect(second.events).toEqual(['end'])
  })

  it('tells every sink of a close that has passed', async () => {
    const [conn, peer] = await open()
    const first = new Collector(conn)
    peer.reset()
    await first.until(() => first.has('break'))
    const second = new Collector(conn)
    expect([first.events, second.events]).toEqual([['break'], ['break']])
    expect(second.error).toMatchObject({ code: expect.stringMatching(broken) })
  })

  it('brings nothing while paused, and all of it later', async () => {
    const [conn, peer] = await open()
    const here = new Collector(conn)
    conn.pause()
    peer.write(Buffer.from('x'.repeat(100_000)))
    peer.end()
    await turns()
    expect(here.events).toEqual([])
    conn.resume()
    await here.until(() => here.has('end'))
    expect([here.size, here.events]).toEqual([100_000, ['data', 'end']])
  })

  it('brings nothing when it was resumed and paused again at once', async () => {
    const [conn, peer] = await open()
    const here = new Collector(conn)
    conn.pause()
    await turns()
    conn.resume()
    conn.pause()
    peer.write(Buffer.from('x'))
    await turns()
    expect(here.events).toEqual([])
    conn.resume()
    await here.until(() => here.size === 1)
  })

  it('lends a chunk for as long as the sink that paused in it does not resume', async () => {
    const [conn, peer] = await open()
    let held: Uint8Array | undefined = undefined
    const { promise, resolve } = Promise.withResolvers<void>()
    conn.attach({
      onData: (chunk) => {
        conn.pause()
        held = chunk
        resolve()
      },
      onEnd: () => {},
      onDrain: () => {},
      onClose: () => {},
    })
    conn.resume()
    peer.write(Buffer.from('lent'))
    await promise
    peer.write(Buffer.from('next'))
    peer.end()
    await turns()
    expect(Buffer.from(held!).toString()).toBe('lent')
  })

  it('gives back what was put back first, then the rest, then the end', async () => {
    const [conn, peer] = await open()
    const here = new Collector(conn)
    peer.write(Buffer.from('12'))
    await here.until(() => here.size === 2)
    conn.attach(undefined)
    conn.pause()
    conn.unread(Buffer.from('2'))
    conn.unread(Buffer.from('1'))
    conn.unread(Buffer.alloc(0))
    peer.write(Buffer.from('3'))
    peer.end()
    await turns()
    const again = new Collector(conn)
    expect(again.text.slice(0, 2)).toBe('12')
    await again.until(() => again.has('end'))
    expect([again.text, again.events]).toEqual(['123', ['data', 'end']])
  })

  it('may be paused and resumed from within onData, kept bytes or not', async () => {
    const [conn, peer] = await open()
    peer.write(Buffer.from('ab'))
    peer.end()
    await turns()
    const here = new (class extends Collector {
      override onData(chunk: Uint8Array): void {
        super.onData(chunk)
        conn.pause()
        conn.resume()
      }
    })(conn)
    await here.until(() => here.has('end'))
    await turns()
    expect([here.text, here.events]).toEqual(['ab', ['data', 'end']])
  })

  it('a close that is regular waits behind the data and the end that the sink has yet to take', async () => {
    const [conn, peer] = await open()
    const there = new Collector(peer)
    const here = new (class extends Collector {
      override onData(chunk: Uint8Array): void {
        super.onData(chunk)
        conn.pause()
      }
    })(conn)
    conn.end()
    await there.until(() => there.has('end'))
    peer.write(Buffer.from('last words'))
    await here.until(() => here.size > 0)
    peer.end()
    await turns()
    expect(here.events).toEqual(['data'])
    conn.resume()
    await here.until(() => here.has('close'))
    expect([here.events, here.error]).toEqual([['data', 'end', 'close'], undefined])
  })

  it('brings nothing more to a sink that pauses in what was kept', async () => {
    const [conn, peer] = await open()
    peer.write(Buffer.from('kept'))
    await turns()
    const here = new (class extends Collector {
      override onData(chunk: Uint8Array): void {
        super.onData(chunk)
        conn.pause()
      }
    })(conn)
    await here.until(() => here.size === 4)
    peer.write(Buffer.from('more'))
    peer.end()
    await turns()
    expect([here.text, here.events]).toEqual(['kept', ['data']])
  })

  it('a close by this side waits for nobody', async () => {
    const [conn, peer] = await open()
    const here = new (class extends Collector {
      override onData(chunk: Uint8Array): void {
        super.onData(chunk)
        conn.pause()
      }
    })(conn)
    peer.write(Buffer.from('x'))
    peer.end()
    await here.until(() => here.size === 1)
    await turns()
    conn.destroy()
    await here.until(() => here.has('close'))
    expect(here.events).toEqual(['data', 'close'])
  })

  it('tells nothing more to a sink that lets go of it', async () => {
    const [conn, peer] = await open()
    const there = new Collector(peer)
    conn.end()
    peer.end()
    await there.until(() => there.has('close'))
    await turns()
    conn.attach(undefined)
    const here = new (class extends Collector {
      override onEnd(): void {
        super.onEnd()
        conn.attach(undefined)
      }
    })(conn)
    await turns()
    expect([conn.closed, here.events]).toEqual([true, ['end']])
    expect(new Collector(conn).events).toEqual(['end', 'close'])
  })

  it('says when a write could not go out at once, and when it is gone', async () => {
    const [conn, peer] = await open()
    const here = new Collector(conn)
    const there = new Collector(peer)
    const base = conn instanceof WsConn ? conn.base : conn
    if ('stalled' in base) base.stalled = true
    peer.pause()
    expect(conn.write(MUCH)).toBe(false)
    await turns()
    expect(here.events).toEqual([])
    if ('stalled' in base) base.stalled = false
    peer.resume()
    await here.until(() => here.has('drain'))
    expect(conn.write(Buffer.from('!'))).toBe(late.length === 0)
    await there.until(() => there.size === MUCH.length + 1)
    await turns()
    expect(here.events).toEqual(['drain', ...late])
  })

  it('ends behind what waits to go out', async () => {
    const [conn, peer] = await open()
    const there = new Collector(peer)
    peer.pause()
    conn.write(MUCH)
    conn.end()
    peer.resume()
    await there.until(() => there.has('end'))
    expect(there.size).toBe(MUCH.length)
  })

  it.each(['reset', 'destroy'] as const)('%s closes this side at once, with writes waiting', async (how) => {
    const [conn, peer] = await open()
    const here = new Collector(conn)
    const there = new Collector(peer)
    peer.pause()
    conn.write(MUCH)
    conn[how]()
    await here.until(() => here.has('close'))
    expect([here.events, conn.closed]).toEqual([['close'], true])
    peer.resume()
    await there.until(() => there.has('break') || there.has('end'))
    expect(there.has('break')).toBe(isTelling || (how === 'reset' && (seesEveryReset || kind === 'memory')))
  })

  it('a reset reaches a peer to whom the end is on its way, and closes this side', async () => {
    const [conn, peer] = await open()
    const here = new Collector(conn)
    const there = new Collector(peer)
    conn.end()
    conn.reset()
    conn.reset()
    conn.destroy()
    await here.until(() => here.has('close'))
    expect(here.events).toEqual(['close'])
    // One that has read the end learns of the reset when it next writes.
    await there.until(() => there.has('break') || there.has('end'))
    peer.write(Buffer.from('?'))
    await there.until(() => there.has('break'))
  })

  it('does nothing once closed', async () => {
    const [conn, peer] = await open()
    const here = new Collector(conn)
    peer.reset()
    await here.until(() => here.has('break'))
    conn.write(Buffer.from('x'))
    conn.pause()
    conn.unread(Buffer.from('y'))
    conn.resume()
    conn.end()
    conn.reset()
    conn.destroy()
    await turns()
    expect([here.events, here.text]).toEqual([['break', 'data'], 'y'])
  })

  it('is told of a break even while paused', async () => {
    const [conn, peer] = await open()
    const here = new Collector(conn)
    if (kind === 'dialled') conn.write(MUCH)
    else conn.pause()
    peer.reset()
    await here.until(() => here.has('break'))
    expect(here.error).toMatchObject({ code: expect.stringMatching(broken) })
  })
})
