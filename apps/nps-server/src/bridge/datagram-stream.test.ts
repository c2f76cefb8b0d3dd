import { memoryConns } from '@sluice/net/testing'
import { describe, expect, it } from 'vitest'
import type { Address } from '@sluice/wire'
import { DatagramStream } from './datagram-stream.ts'
import { StreamPacketLink } from './stream-links.ts'

const pair = (): { near: DatagramStream; far: DatagramStream; conns: ReturnType<typeof memoryConns> } => {
  const conns = memoryConns()
  return { near: new DatagramStream(conns[0]), far: new DatagramStream(conns[1]), conns }
}
const turn = (): Promise<void> => new Promise(setImmediate)

describe('datagrams over a stream', () => {
  it('come whole and in order, whatever becomes of the memory that they were sent from', async () => {
    const { near, far } = pair()
    const got: string[] = []
    far.onDatagram = (datagram): void => void got.push(Buffer.from(datagram).toString())
    far.start()
    const memory = Buffer.alloc(4)
    for (const text of ['one', 'two', 'six']) {
      memory.write(text)
      expect(near.send(memory.subarray(0, 3), Buffer.from('<'))).toBe(true)
      memory.fill(0)
    }
    await turn()
    expect(got).toEqual(['<one', '<two', '<six'])
  })

  it('are dropped while the stream takes no more', async () => {
    const { near, far, conns } = pair()
    const got: number[] = []
    far.onDatagram = (datagram): void => void got.push(datagram[0]!)
    far.start()
    near.start()
    conns[0].stalled = true
    expect([1, 2, 3].map((byte) => near.send(Buffer.of(byte)))).toEqual([true, false, false])
    conns[0].stalled = false
    await turn()
    expect(near.send(Buffer.of(4))).toBe(true)
    await turn()
    expect(got).toEqual([1, 4])
  })

  it('are no longer than their length can say', () => {
    const { near } = pair()
    expect(near.send(Buffer.alloc(65_536))).toBe(false)
    expect(near.send(Buffer.alloc(65_535))).toBe(true)
  })

  it('end with either side, which is told once', async () => {
    const { near, far } = pair()
    const ended: unknown[] = []
    near.onClosed = (error): void => void ended.push(error)
    far.onClosed = (error): void => void ended.push(error)
    near.start()
    far.start()
    near.close()
    near.close()
    await turn()
    expect(ended).toEqual([undefined])
    expect(near.send(Buffer.of(1))).toBe(false)
  })
})

it('packets say where they go, and nonsense is dropped', async () => {
  const [near, far] = memoryConns()
  const [a, b] = [new StreamPacketLink(near), new StreamPacketLink(far)]
  const got: [Address, string][] = []
  b.onDatagram = (from, payload): void => void got.push([from, Buffer.from(payload).toString()])
  const places = ['192.0.2.1', '2001:db8::1', 'example.org'].map((host, nth) => ({ host, port: nth }))
  for (const place of places) a.send(place, Buffer.from(place.host))
  near.write(Buffer.from('0003090000', 'hex'))
  a.send(places[0]!, Buffer.from('last'))
  await turn()
  expect(got).toEqual([...places.map((place) => [place, place.host]), [places[0], 'last']])
})
