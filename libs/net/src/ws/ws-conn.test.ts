import * as fc from 'fast-check'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Conn } from '../conn.ts'
import { Relay } from '../relay.ts'
import { Collector } from '../testing/collector.ts'
import { CountingLane } from '../testing/lanes.ts'
import { acceptedPair, textOf, turns, wsPair } from '../testing/loopback.ts'
import { memoryConns } from '../testing/memory-conn.ts'
import { acceptedWs, type WsPair } from '../testing/ws-peer.ts'
import { frame, MAX_MESSAGE, OPCODE } from './frame.ts'
import { WsConn } from './ws-conn.ts'

const MIB = 1024 * 1024
const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

const accepted = async (): Promise<WsPair & { here: Collector }> => {
  const pair = await acceptedWs()
  open.push(
    () => pair.conn.destroy(),
    () => pair.client.terminate(),
  )
  return { ...pair, here: new Collector(pair.conn) }
}

/** Whether a socket closes with an error. */
const breaks = (socket: Socket): Promise<boolean> =>
  new Promise((resolve) =>
    socket
      .on('error', () => {})
      .on('close', resolve)
      .resume(),
  )

/** A conn with nothing but a transport at its other end. */
const bare = (): { conn: WsConn; peer: Conn; here: Collector } => {
  const [base, peer] = memoryConns()
  const conn = new WsConn(base, { isClient: false })
  return { conn, peer, here: new Collector(conn) }
}
const masked = (opcode: number, payload: string | Uint8Array): Buffer =>
  frame(opcode, Buffer.from(payload), 0x01020304)

describe('a WebSocket with a client of somebody else', () => {
  it('brings messages of any size as bytes, and sends bytes as messages of at most 64 KiB', async () => {
    const { conn, client, messages, here } = await accepted()
    const sizes = [1, 125, 126, 65_535, 65_536, 3]
    for (const size of sizes) client.send(Buffer.alloc(size, String(size)))
    const wanted = Buffer.concat(sizes.map((size) => Buffer.alloc(size, String(size))))
    await here.until(() => here.size === wanted.length)
    expect(here.bytes.equals(wanted)).toBe(true)
    for (const size of [1, 125, 126, 2048, 2049, 65_535, 65_536, 200_000]) {
      conn.write(Buffer.alloc(size, 'y'))
    }
    await expect.poll(() => messages.length).toBe(7 + 4)
    expect(messages.map(({ length }) => length).slice(-4)).toEqual([65_536, 65_536, 65_536, 3392])
    expect(Buffer.concat(messages).every((byte) => byte === 0x79)).toBe(true)
  })

  it('half-closes each way by an empty message, and then closes with 1000', async () => {
    const { conn, client, messages, closed, here } = await accepted()
    client.send(Buffer.from('question'))
    client.send(Buffer.alloc(0))
    await here.until(() => here.has('end'))
    expect(here.text).toBe('question')
    conn.write(Buffer.from('answer'))
    conn.end()
    expect(await closed).toBe(1000)
    expect(messages.map(String)).toEqual(['answer', ''])
    await here.until(() => here.has('close'))
    expect([here.events, here.error]).toEqual([['data', 'end', 'close'], undefined])
  })

  it('ends first, and still takes what comes', async () => {
    const { conn, client, closed, here } = await accepted()
    conn.end()
    await once(client, 'message')
    client.send(Buffer.from('late'))
    client.send(Buffer.alloc(0))
    expect(await closed).toBe(1000)
    await here.until(() => here.has('close'))
    expect([here.text, here.error]).toEqual(['late', undefined])
  })

  it.each([
    ['destroy', (conn: Conn) => conn.destroy(), 1001],
    ['reset', (conn: Conn) => conn.reset(), 4000],
    ['reset for a reason', (conn: Conn) => conn.reset(33), 4033],
    ['reset behind its end', (conn: Conn) => [conn.end(), conn.reset(32)], 4032],
  ])('tells why it closes: %s', async (_, act, code) => {
    const { conn, closed, here } = await accepted()
    act(conn)
    expect(conn.closed).toBe(true)
    expect(await closed).toBe(code)
    await conn.gone
    expect([here.events, conn.base.closed]).toEqual([['close'], true])
  })

  it.each([
    ['nothing', (pair: WsPair) => pair.client.close(), 1005],
    ['a regular end that is none', (pair: WsPair) => pair.client.close(1000), 1000],
    ['a reason', (pair: WsPair) => pair.client.close(4033, 'data limit'), 4033],
    ['no close at all', (pair: WsPair) => pair.client.terminate(), 1006],
  ])('a close is a break unless both have ended, and brings the code: %s', async (_, act, closeCode) => {
    const pair = await accepted()
    pair.client.send(Buffer.from('some'))
    act(pair)
    await pair.here.until(() => pair.here.has('break'))
    expect(pair.here.error).toMatchObject({ code: 'WEBSOCKET_CLOSED', closeCode })
    expect(pair.conn.closed).toBe(true)
  })

  it('a close behind one end alone is a break', async () => {
    const { client, here } = await accepted()
    client.send(Buffer.alloc(0))
    client.close(1000)
    await here.until(() => here.has('break'))
    expect([here.events, here.error]).toMatchObject([['end', 'break'], { closeCode: 1000 }])
  })

  it.each([
    ['a text', (pair: WsPair) => pair.client.send('text'), 1003],
    ['an empty text', (pair: WsPair) => pair.client.send(''), 1003],
    ['too long a message', (pair: WsPair) => pair.client.send(Buffer.alloc(MAX_MESSAGE + 1)), 1009],
  ])('refuses %s', async (_, act, closeCode) => {
    const pair = await accepted()
    pair.client.send(Buffer.from('good'))
    act(pair)
    expect(await pair.closed).toBe(closeCode)
    expect(pair.here.text).toBe('good')
    expect(pair.here.error).toMatchObject({ code: 'WEBSOCKET_INVALID', closeCode })
  })

  it('takes messages in parts, and answers pings with what they bring', async () => {
    const { client, here } = await accepted()
    client.send(Buffer.from('one '), { fin: false })
    client.ping('ping')
    client.send(Buffer.from('two'), { fin: true })
    const [pong] = (await once(client, 'pong')) as [Buffer]
    expect([String(pong), here.text]).toEqual(['ping', 'one two'])
  })

  it('takes no more than the transport holds from a reader that stops, nor gives it more', async () => {
    const { conn, client, messages, here } = await accepted()
    conn.pause()
    const chunk = Buffer.alloc(MAX_MESSAGE, 'z')
    for (let i = 0; i < 512; i++) client.send(chunk)
    await turns(20)
    expect([here.size, client.bufferedAmount > 0]).toEqual([0, true])
    conn.resume()
    await here.until(() => here.size === 512 * MAX_MESSAGE)
    client.pause()
    let written = 0
    while (conn.write(chunk)) written += chunk.length
    expect(written).toBeLessThan(32 * MIB)
    await turns(20)
    expect(here.has('drain')).toBe(false)
    client.resume()
    await here.until(() => here.has('drain'))
    await expect.poll(() => messages.length * MAX_MESSAGE).toBe(written + chunk.length)
  })
})

describe('a WebSocket over any transport', () => {
  it('brings the same whatever the portions, grants and pauses', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 8 })
    const portion = fc.integer({ min: 1, max: 700 })
    await fc.assert(
      fc.asyncProperty(sizes, portion, portion, async (chunks, readBytes, writeBytes) => {
        const options = { readBytes: () => readBytes, writeBytes: () => writeBytes }
        const [a, b] = memoryConns(options)
        const pair = await wsPair(() => Promise.resolve({ accepted: a, dialled: b }))
        const there = new (class extends Collector {
          override onData(chunk: Uint8Array): void {
            super.onData(chunk)
            this.conn.pause()
            queueMicrotask(() => this.conn.resume())
          }
        })(pair.accepted)
        const here = new Collector(pair.dialled)
        const all = Buffer.concat(chunks.map((size, i) => Buffer.alloc(size, String(i))))
        let at = 0
        for (const size of chunks) {
          const drains = here.events.length
          const wentOut = pair.dialled.write(Buffer.from(all.subarray(at, at + size)))
          if (!wentOut) await here.until(() => here.events.length > drains)
          here.events.length = 0
          at += size
        }
        pair.dialled.end()
        await there.until(() => there.has('end'))
        expect(there.bytes.equals(all)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('keeps but the last of the pings that come while nothing goes out', async () => {
    const { conn, peer, here } = bare()
    const there = new Collector(peer)
    const base = conn.base as ReturnType<typeof memoryConns>[0]
    base.stalled = true
    for (const text of ['one', 'two', 'three']) peer.write(masked(OPCODE.PING, text))
    await turns()
    base.stalled = false
    await there.until(() => there.text.includes('three'))
    expect(there.text).not.toContain('two')
    expect(here.events).toEqual([])
  })

  it.each([
    ['a close code that may not be sent', masked(OPCODE.CLOSE, Buffer.of(0x03, 0xed)), 1002],
    ['half a close code', masked(OPCODE.CLOSE, Buffer.of(0x03)), 1002],
    ['a compressed message', Buffer.from([0xc2, 0x81, 0, 0, 0, 0, 0x41]), 1002],
  ])('refuses %s', async (_, bytes, closeCode) => {
    const { peer, here } = bare()
    const there = new Collector(peer)
    peer.write(bytes)
    await here.until(() => here.has('break'))
    expect(here.error).toMatchObject({ code: 'WEBSOCKET_INVALID', closeCode })
    await there.until(() => there.has('end'))
    expect(there.bytes.subarray(-4).toString('hex')).toBe(`8802${closeCode.toString(16).padStart(4, '0')}`)
  })

  it('a close waits for nobody, and nothing follows it', async () => {
    const { conn, peer, here } = bare()
    conn.pause()
    peer.write(Buffer.concat([masked(OPCODE.BINARY, 'data'), masked(OPCODE.CLOSE, Buffer.of(0x0f, 0xa1))]))
    await here.until(() => here.has('break'))
    conn.resume()
    await turns()
    expect([here.events, here.error]).toMatchObject([['break'], { closeCode: 4001 }])
  })

  it('a transport that breaks is told as it broke', async () => {
    const { peer, here } = bare()
    peer.reset()
    await here.until(() => here.has('break'))
    expect(here.error).toMatchObject({ code: 'ECONNRESET' })
  })
})

describe('in a relay with a socket', () => {
  const relayed = async (): Promise<
    WsPair & {
      target: Socket
      outcome: Promise<unknown>
      relay: Relay
    }
  > => {
    const [pair, { conn: far, peer: target }] = await Promise.all([acceptedWs(), acceptedPair()])
    open.push(
      () => pair.conn.destroy(),
      () => pair.client.terminate(),
      () => target.destroy(),
    )
    const relay = new Relay(pair.conn, far, { up: new CountingLane(), down: new CountingLane() }, 35)
    const outcome = relay.run().then(
      () => 'OK',
      (error: unknown) => error,
    )
    return { ...pair, target: target.on('error', () => {}), outcome, relay }
  }

  it('carries both ways, and half-closes both ways', async () => {
    const { client, messages, target, closed, outcome } = await relayed()
    const much = Buffer.alloc(MIB, 'upload')
    for (let i = 0; i < 32; i++)
      for (let at = 0; at < MIB; at += MAX_MESSAGE) client.send(much.subarray(at, at + MAX_MESSAGE))
    client.send(Buffer.alloc(0))
    const got = await textOf(target)
    expect(got === much.toString('latin1').repeat(32)).toBe(true)
    target.end(Buffer.alloc(8 * MIB, 'answer'))
    expect(await closed).toBe(1000)
    expect(Buffer.concat(messages).equals(Buffer.alloc(8 * MIB, 'answer'))).toBe(true)
    expect(messages.at(-1)).toHaveLength(0)
    expect(await outcome).toBe('OK')
  })

  it('a reset of the socket is a close code, and a cut tells both', async () => {
    const first = await relayed()
    first.target.resetAndDestroy()
    expect(await first.closed).toBe(4035)
    expect(await first.outcome).toMatchObject({ code: 'TARGET_RESET' })
    const second = await relayed()
    const broken = breaks(second.target)
    second.relay.cut(new Error('limit'), 33)
    expect(await second.closed).toBe(4033)
    expect(await broken).toBe(true)
  })

  it('a close of the WebSocket is a reset of the socket', async () => {
    const { client, target, outcome } = await relayed()
    const broken = breaks(target)
    client.close(4035)
    expect(await broken).toBe(true)
    expect(await outcome).toMatchObject({ code: 'CLIENT_RESET', cause: { closeCode: 4035 } })
  })
})
