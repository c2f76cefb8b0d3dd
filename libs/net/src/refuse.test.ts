import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { refuse } from './refuse.ts'
import { Reader } from './reader.ts'
import { acceptedPair, Door, textOf, turns } from './testing/loopback.ts'
import { memoryConns } from './testing/memory-conn.ts'
import { Collector } from './testing/collector.ts'

const WORDS = Buffer.from('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
const LONG_MS = 60_000

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

describe('over a socket', () => {
  it('the answer arrives although the client has sent 1 MiB that nobody reads', async () => {
    const door = await Door.open()
    for (let i = 0; i < 20; i++) {
      const client = connect({ host: door.host, port: door.port, allowHalfOpen: true })
      client.write(Buffer.alloc(1024 * 1024))
      const conn = await door.next()
      await turns()
      const refused = refuse(conn, WORDS, LONG_MS)
      expect(await textOf(client)).toBe(WORDS.toString())
      client.end()
      await refused
      expect(conn.closed).toBe(true)
    }
    door.close()
  })

  it('and although it goes on to send while the answer is on its way', async () => {
    const { conn, peer } = await acceptedPair()
    const chunk = Buffer.alloc(64 * 1024)
    let stop = false
    const more = (): void => void (stop || peer.write(chunk, () => setImmediate(more)))
    more()
    await turns()
    const refused = refuse(conn, WORDS, LONG_MS)
    expect(await textOf(peer)).toBe(WORDS.toString())
    stop = true
    peer.end()
    await refused
  })

  it('takes 1 s at the most where the client never closes', async () => {
    const { conn, peer } = await acceptedPair()
    const closed = once(peer, 'close')
    peer.resume()
    await refuse(conn, WORDS, 20)
    expect(conn.closed || peer.readableEnded).toBe(true)
    peer.end()
    await closed
  })

  it('takes 1 s at the most where the client never reads', async () => {
    const { conn, peer } = await acceptedPair()
    const here = new Collector(conn)
    await refuse(conn, Buffer.alloc(64 * 1024 * 1024), 20)
    await turns()
    expect([conn.closed, here.events]).toEqual([true, []])
    peer.destroy()
  })
})

describe('in any state of the conn', () => {
  it('after a reader, whose bytes are dropped', async () => {
    const [conn, peer] = memoryConns()
    const client = new Collector(peer)
    const reader = new Reader(conn, 10)
    peer.write(Buffer.from('0123456789'))
    await turns()
    const refused = refuse(reader.conn, WORDS, LONG_MS)
    await client.until(() => client.has('end'))
    expect(client.text).toBe(WORDS.toString())
    peer.end()
    await refused
  })

  it('with nothing to say', async () => {
    const [conn, peer] = memoryConns()
    const client = new Collector(peer)
    const refused = refuse(conn, new Uint8Array(0), LONG_MS)
    await client.until(() => client.has('end'))
    peer.end()
    await refused
    expect(client.text).toBe('')
  })

  it.each(['end', 'reset', 'destroy'] as const)('after the client did %s', async (how) => {
    const [conn, peer] = memoryConns()
    const here = new Collector(conn)
    const client = new Collector(peer)
    peer[how]()
    await here.until(() => here.events.length > 0)
    await refuse(conn, WORDS, LONG_MS)
    expect([conn.closed, client.text]).toEqual([true, how === 'end' ? WORDS.toString() : ''])
  })

  it('leaves no timer', async () => {
    const before = timers()
    const [conn, peer] = memoryConns()
    peer.end()
    const refused = refuse(conn, WORDS, LONG_MS)
    expect(timers()).toBe(before + 1)
    await refused
    expect(timers()).toBe(before)
  })
})
