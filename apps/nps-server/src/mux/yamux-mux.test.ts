import type { Conn } from '@sluice/net'
import { Collector, connPair, memoryConns, tlsPair, turns } from '@sluice/net/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { StreamReset } from './mux.ts'
import { YamuxMux } from './yamux-mux.ts'

const muxes: YamuxMux[] = []

afterEach(() => {
  for (const mux of muxes.splice(0)) mux.close()
})

interface Ends {
  readonly near: YamuxMux
  readonly far: YamuxMux
  /** Those that `near` has opened, as `far` has them. */
  readonly accepted: Conn[]
  readonly closed: { near?: Error | undefined; far?: Error | undefined }
}

const muxPair = ([conn, peer]: readonly Conn[]): Ends => {
  const accepted: Conn[] = []
  const closed: Ends['closed'] = {}
  const near = new YamuxMux({ conn: conn!, isOpener: true, onClose: (error) => (closed.near = error) })
  const onStream = (stream: Conn): void => void accepted.push(stream)
  const far = new YamuxMux({ conn: peer!, onStream, onClose: (error) => (closed.far = error) })
  muxes.push(near, far)
  return { near, far, accepted, closed }
}

const carriers: Record<string, () => Promise<Conn[]>> = {
  memory: () => Promise.resolve(memoryConns()),
  TCP: async () => Object.values(await connPair()),
  TLS: async () => Object.values(await tlsPair()),
}

describe.each(Object.entries(carriers))('streams over %s', (_name, carrier) => {
  const open = async (): Promise<Ends & { conn: Conn; peer: Conn }> => {
    const ends = muxPair(await carrier())
    const conn = ends.near.open()
    await expect.poll(() => ends.accepted.length).toBe(1)
    return { ...ends, conn, peer: ends.accepted[0]! }
  }

  it('bring what was sent, half-close each way, and leave nothing', async () => {
    const { near, far, conn, peer } = await open()
    const [here, there] = [new Collector(conn), new Collector(peer)]
    conn.write(Buffer.from('ping'))
    conn.end()
    await there.until(() => there.has('end'))
    peer.write(Buffer.from('pong'))
    peer.end()
    await here.until(() => here.has('close'))
    await there.until(() => there.has('close'))
    expect([here.text, here.events, there.text, there.events]).toEqual([
      'pong',
      ['data', 'end', 'close'],
      'ping',
      ['data', 'end', 'close'],
    ])
    expect([near.streams, far.streams, conn.closed, peer.closed]).toEqual([0, 0, true, true])
  })

  it('tell why they were reset', async () => {
    const { near, far, conn, peer } = await open()
    const there = new Collector(peer)
    conn.write(Buffer.alloc(1_000_000))
    conn.reset(417)
    await there.until(() => there.has('break'))
    expect(there.error).toBeInstanceOf(StreamReset)
    expect(there.error).toMatchObject({ reason: 417, code: 'TARGET_RESET' })
    await turns()
    expect([near.streams, far.streams]).toEqual([0, 0])
  })
})
