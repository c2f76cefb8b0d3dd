import { describe, expect, it } from 'vitest'
import { LaneWriter } from './lane-writer.ts'
import { Collector } from './testing/collector.ts'
import { CountingLane, HeldLane } from './testing/lanes.ts'
import { turns } from './testing/loopback.ts'
import { type MemoryConn, memoryConns } from './testing/memory-conn.ts'

/** A writer to one end of a conn, and what comes out at the other. */
class Scene {
  readonly conn: MemoryConn
  readonly far: Collector
  readonly writer: LaneWriter
  freed = 0

  constructor(lane: CountingLane) {
    const [near, far] = memoryConns()
    this.conn = near
    this.far = new Collector(far)
    this.writer = new LaneWriter(lane, { onFree: () => (this.freed += 1) })
    this.writer.to = near
    near.attach({
      onData: () => {},
      onEnd: () => {},
      onDrain: () => this.writer.onDrain(),
      onClose: () => {},
    })
  }
}

const bytes = (text: string): Buffer => Buffer.from(text)

describe('what stands for something else', () => {
  it('goes at once and is counted as that, where nothing limits it', async () => {
    const lane = new CountingLane()
    const { writer, far } = new Scene(lane)
    expect(writer.writeInstead(bytes('head+body'), 5, 100)).toBe(true)
    await turns()
    expect(far.text).toBe('head+body')
    expect(lane.counted).toBe(104)
  })

  it('goes whole, once there is leave for all that it stands for; what is behind it goes in parts', async () => {
    const lane = new HeldLane()
    const scene = new Scene(lane)
    expect(scene.writer.writeInstead(bytes('head+body'), 5, 100)).toBe(false)
    expect(lane.asked).toBe(100)
    lane.grant(99)
    await turns()
    expect([scene.far.text, lane.asked, scene.freed]).toEqual(['', 1, 0])
    lane.grant()
    await turns()
    expect([scene.far.text, lane.asked, lane.counted]).toEqual(['head+', 4, 100])
    lane.grant(1)
    lane.grant()
    await turns()
    expect([scene.far.text, lane.counted, scene.freed]).toEqual(['head+body', 104, 1])
  })

  it('needs no leave where it stands for nothing', async () => {
    const lane = new HeldLane()
    const scene = new Scene(lane)
    expect(scene.writer.writeInstead(bytes('answer'), 6, 0)).toBe(true)
    await turns()
    expect([scene.far.text, lane.asked, lane.counted]).toEqual(['answer', 0, 0])
    expect(scene.writer.writeInstead(bytes('answer+more'), 7, 0)).toBe(false)
    expect(lane.asked).toBe(4)
  })

  it('without anything behind it is all there is', async () => {
    const lane = new HeldLane()
    const scene = new Scene(lane)
    scene.writer.writeInstead(bytes('head'), 4, 7)
    lane.grant()
    await turns()
    expect([scene.far.text, lane.asked, scene.writer.free, scene.freed]).toEqual(['head', 0, true, 1])
  })
})

it('is free again when the conn has taken what it could not take at once', async () => {
  const scene = new Scene(new CountingLane())
  scene.conn.stalled = true
  expect(scene.writer.write(bytes('hello'))).toBe(false)
  expect(scene.writer.free).toBe(false)
  scene.conn.stalled = false
  await turns()
  expect([scene.far.text, scene.writer.free, scene.freed]).toEqual(['hello', true, 1])
})

it('can be cleared and led to another conn', async () => {
  const lane = new HeldLane()
  const first = new Scene(lane)
  first.writer.writeInstead(bytes('head+body'), 5, 9)
  first.writer.clear()
  lane.grant()
  const [near, far] = memoryConns()
  const second = new Collector(far)
  first.writer.to = near
  first.writer.write(bytes('hello'))
  lane.grant()
  await turns()
  expect([first.far.text, second.text]).toEqual(['', 'hello'])
})

it('does not wait for leave to write nothing', () => {
  const lane = new HeldLane()
  const { writer } = new Scene(lane)
  expect(writer.write(bytes(''))).toBe(true)
  expect(writer.free).toBe(true)
})
