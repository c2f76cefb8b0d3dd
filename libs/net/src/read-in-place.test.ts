import { describe, expect, it } from 'vitest'
import type { Conn } from './conn.ts'
import { readInPlace } from './read-in-place.ts'
import { Collector } from './testing/collector.ts'
import { dice } from './testing/dice.ts'
import { connPair, tlsPair, turns } from './testing/loopback.ts'
import { memoryConns } from './testing/memory-conn.ts'

const MUCH = Buffer.alloc(8 * 1024 * 1024, 'abcdefghijklmnopqrstuvwxyz0123456789-')

/** Both directions, of conns that read in place. */
const pairs = async (): Promise<[Conn, Conn][]> => {
  const [one, other] = [await tlsPair(), await tlsPair()]
  expect([readInPlace(one.accepted), readInPlace(other.dialled)]).toEqual([true, true])
  return [
    [one.accepted, one.dialled],
    [other.dialled, other.accepted],
  ]
}

describe('readInPlace()', () => {
  it('brings every byte, and the end', async () => {
    for (const [conn, peer] of await pairs()) {
      const here = new Collector(conn)
      peer.write(MUCH)
      peer.end()
      await here.until(() => here.has('end'))
      expect(here.bytes.equals(MUCH)).toBe(true)
      const there = new Collector(peer)
      conn.write(Buffer.from('and back'))
      conn.end()
      await there.until(() => there.has('close'))
      expect([there.text, here.events]).toEqual(['and back', ['data', 'end', ...here.events.slice(2)]])
    }
  })

  it('lends a chunk for as long as the sink that paused in it does not resume, and brings nothing meanwhile', async () => {
    for (const [conn, peer] of await pairs()) {
      const roll = dice(5)
      const got: Buffer[] = []
      let lent: Uint8Array | undefined = undefined
      const rest = async (chunk: Uint8Array): Promise<void> => {
        await turns(roll(4))
        got.push(Buffer.from(chunk))
        lent = undefined
        conn.resume()
      }
      const here = new (class extends Collector {
        override onData(chunk: Uint8Array): void {
          expect(lent).toBe(undefined)
          super.onData(chunk)
          if (roll(8) > 0) return void got.push(Buffer.from(chunk))
          lent = chunk
          conn.pause()
          void rest(chunk)
        }
      })(conn)
      peer.write(MUCH)
      peer.end()
      await here.until(() => here.has('end'))
      expect(Buffer.concat(got).equals(MUCH)).toBe(true)
      conn.destroy()
      peer.destroy()
    }
  })

  it('keeps what comes while nobody is attached', async () => {
    for (const [conn, peer] of await pairs()) {
      peer.write(MUCH)
      await turns()
      const here = new Collector(conn)
      await here.until(() => here.size === MUCH.length)
      expect(here.bytes.equals(MUCH)).toBe(true)
      conn.destroy()
      peer.destroy()
    }
  })

  it('is told of a break', async () => {
    for (const [conn, peer] of await pairs()) {
      const here = new Collector(conn)
      peer.reset()
      await here.until(() => here.has('break'))
      expect(here.error).toMatchObject({ code: 'ECONNRESET' })
    }
  })

  it('leaves alone what it cannot help', async () => {
    const { accepted, dialled } = await connPair()
    expect([accepted, dialled, memoryConns()[0]].map(readInPlace)).toEqual([false, false, false])
    accepted.destroy()
    const tls = await tlsPair()
    tls.accepted.destroy()
    expect(readInPlace(tls.accepted)).toBe(false)
    tls.dialled.destroy()
  })
})
