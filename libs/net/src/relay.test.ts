import { ManualClock, Shaper } from '@sluice/ratelimit'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Relay } from './relay.ts'
import { Collector } from './testing/collector.ts'
import { dice } from './testing/dice.ts'
import { CountingLane, HeldLane } from './testing/lanes.ts'
import { turns } from './testing/loopback.ts'
import { type MemoryConn, memoryConns, type MemoryOptions } from './testing/memory-conn.ts'

/** A relay between `client` and `target`, over the conns `near` (the client's) and `far` (the target's). */
class Scene {
  readonly near: MemoryConn
  readonly far: MemoryConn
  readonly client: Collector
  readonly target: Collector
  readonly up: CountingLane
  readonly down: CountingLane
  readonly relay: Relay
  outcome: unknown = undefined

  constructor(lanes: { up?: CountingLane; down?: CountingLane } = {}, options: MemoryOptions = {}) {
    const [client, near] = memoryConns(options)
    const [target, far] = memoryConns(options)
    this.near = near
    this.far = far
    this.client = new Collector(client)
    this.target = new Collector(target)
    this.up = lanes.up ?? new CountingLane()
    this.down = lanes.down ?? new CountingLane()
    this.relay = new Relay(near, far, { up: this.up, down: this.down })
  }

  run(): this {
    this.relay.run().then(
      () => (this.outcome = 'OK'),
      (error: unknown) => (this.outcome = error),
    )
    return this
  }

  get seen(): Record<'client' | 'target', string[]> {
    return { client: this.client.events, target: this.target.events }
  }
}

const send = (from: Collector, text: string): boolean => from.conn.write(Buffer.from(text))
const broken = (code: string): unknown => expect.objectContaining({ name: 'NetError', code })

describe('half-close', () => {
  it.each([
    ['client', 'target'],
    ['target', 'client'],
  ] as const)('the %s ends first, data goes on the other way', async (first, second) => {
    const scene = new Scene().run()
    send(scene[first], 'question')
    scene[first].conn.end()
    await scene[second].until(() => scene[second].has('end'))
    expect([scene[second].text, scene[first].events, scene.outcome]).toEqual(['question', [], undefined])
    send(scene[second], 'answer')
    scene[second].conn.end()
    await scene[first].until(() => scene[first].has('close'))
    await turns()
    expect(scene[first].text).toBe('answer')
    expect(scene.outcome).toBe('OK')
    const closed = ['data', 'end', 'close']
    expect(scene.seen).toEqual({ client: closed, target: closed })
    expect([scene.up.counted, scene.down.counted]).toEqual(first === 'client' ? [8, 6] : [6, 8])
    expect([scene.near.resets, scene.far.resets]).toEqual([0, 0])
  })

  it.each(['near', 'far'] as const)(
    'is over when both conns are closed: the one %s is slow',
    async (which) => {
      const scene = new Scene().run()
      scene[which].stalled = true
      scene.client.conn.end()
      scene.target.conn.end()
      await turns()
      expect(scene.outcome).toBeUndefined()
      scene[which].stalled = false
      await turns()
      expect(scene.outcome).toBe('OK')
    },
  )

  it('both end at once', async () => {
    const scene = new Scene().run()
    scene.client.conn.end()
    scene.target.conn.end()
    await turns()
    expect([scene.outcome, scene.seen]).toEqual([
      'OK',
      { client: ['end', 'close'], target: ['end', 'close'] },
    ])
  })

  it('an end waits behind what the limiter holds, though the other way has ended', async () => {
    const up = new HeldLane()
    const scene = new Scene({ up }).run()
    scene.target.conn.end()
    send(scene.client, 'last words')
    scene.client.conn.end()
    await turns()
    expect([scene.outcome, scene.target.events]).toEqual([undefined, []])
    up.grant(4)
    await turns()
    expect([scene.target.text, scene.target.events]).toEqual(['last', ['data']])
    up.grant()
    await turns()
    expect([scene.outcome, scene.target.text]).toEqual(['OK', 'last words'])
  })

  it('an end waits behind what the other conn has not taken', async () => {
    const scene = new Scene().run()
    scene.far.stalled = true
    send(scene.client, 'a')
    scene.client.conn.end()
    await turns()
    expect(scene.target.events).toEqual([])
    scene.far.stalled = false
    await turns()
    expect([scene.target.text, scene.target.events]).toEqual(['a', ['data', 'end']])
  })
})

describe('early data', () => {
  it('goes first, in order, both ways', async () => {
    const scene = new Scene()
    send(scene.client, 'bc')
    send(scene.target, 'yz')
    await turns()
    scene.near.unread(Buffer.from('a'))
    scene.far.unread(Buffer.from('x'))
    scene.run()
    send(scene.client, 'd')
    scene.client.conn.end()
    scene.target.conn.end()
    await turns()
    expect([scene.target.text, scene.client.text, scene.outcome]).toEqual(['abcd', 'xyz', 'OK'])
  })

  it('is all there is: both had ended before the relay began', async () => {
    const scene = new Scene()
    send(scene.client, 'up')
    scene.client.conn.end()
    send(scene.target, 'down')
    scene.target.conn.end()
    await turns()
    scene.run()
    await turns()
    expect([scene.target.text, scene.client.text, scene.outcome]).toEqual(['up', 'down', 'OK'])
  })

  it.each(['client', 'target'] as const)('a %s that had gone before the relay began', async (who) => {
    const scene = new Scene()
    scene[who].conn.reset()
    await turns()
    scene.run()
    await turns()
    expect(scene.outcome).toEqual(broken(`${who.toUpperCase()}_RESET`))
    expect([scene.near.closed, scene.far.closed]).toEqual([true, true])
  })
})

describe('back-pressure', () => {
  it('a conn that is not read from pauses the other one, and only this', async () => {
    const scene = new Scene({}, { readBytes: () => 10 }).run()
    scene.far.stalled = true
    send(scene.client, 'x'.repeat(100))
    await turns()
    expect([scene.near.paused, scene.far.paused, scene.up.counted]).toEqual([true, false, 10])
    send(scene.target, 'down')
    await turns()
    expect(scene.client.text).toBe('down')
    scene.far.stalled = false
    await turns()
    expect([scene.near.paused, scene.target.text]).toEqual([false, 'x'.repeat(100)])
  })
})

describe('a break', () => {
  it.each([
    ['client', 'CLIENT_RESET'],
    ['target', 'TARGET_RESET'],
  ] as const)('of the %s resets the other one', async (who, code) => {
    const other = who === 'client' ? 'target' : 'client'
    const scene = new Scene().run()
    scene[who].conn.reset()
    await turns()
    expect([scene.outcome, scene[other].events]).toEqual([broken(code), ['break']])
    expect(scene.outcome).toMatchObject({ cause: { code: 'ECONNRESET' } })
  })

  it('is one still after both have ended, while an end is on its way', async () => {
    const scene = new Scene().run()
    scene.near.stalled = true
    scene.target.conn.end()
    scene.client.conn.end()
    await turns()
    expect([scene.far.closed, scene.near.closed, scene.outcome]).toEqual([true, false, undefined])
    scene.client.conn.reset()
    await turns()
    expect(scene.outcome).toEqual(broken('CLIENT_RESET'))
  })

  it.each(['near', 'far'] as const)(
    'is one too where somebody destroys the conn that is %s',
    async (which) => {
      const scene = new Scene().run()
      scene[which].destroy()
      await turns()
      expect(scene.outcome).toEqual(broken(which === 'near' ? 'CLIENT_RESET' : 'TARGET_RESET'))
      expect([scene.near.closed, scene.far.closed]).toEqual([true, true])
    },
  )

  it('while a chunk is held is told at once, and the chunk is not counted', async () => {
    const up = new HeldLane()
    const scene = new Scene({ up }).run()
    send(scene.client, 'held')
    await turns()
    scene.target.conn.reset()
    await turns()
    up.grant()
    await turns()
    expect([scene.outcome, up.counted, up.asked]).toEqual([broken('TARGET_RESET'), 0, 0])
  })
})

describe('cut', () => {
  const reason = new Error('quota')
  const phases: Record<string, (scene: Scene, up: HeldLane) => void> = {
    idle: () => {},
    'chunk held': (scene) => send(scene.client, 'held'),
    'chunk partly granted': (scene, up) => {
      up.onCount = () => {}
      send(scene.client, 'held')
      queueMicrotask(() => setImmediate(() => up.grant(2)))
    },
    'write blocked': (scene) => {
      scene.near.stalled = true
      send(scene.target, 'down')
    },
    'client ended': (scene) => scene.client.conn.end(),
    'target ended': (scene) => scene.target.conn.end(),
    'end on its way': (scene) => {
      scene.near.stalled = true
      send(scene.target, 'down')
      scene.target.conn.end()
    },
  }

  it.each(Object.entries(phases))('resets both: %s', async (_, prepare) => {
    const up = new HeldLane()
    const scene = new Scene({ up }).run()
    prepare(scene, up)
    await turns()
    const counted = up.counted
    scene.relay.cut(reason)
    scene.relay.cut(new Error('again'))
    up.grant(up.asked)
    await turns()
    expect([scene.outcome, scene.seen.client.at(-1), scene.seen.target.at(-1)]).toEqual([
      reason,
      'break',
      'break',
    ])
    expect([up.counted, up.asked]).toEqual([counted, 0])
  })

  it.each([
    ['a lane without a limiter', new CountingLane()],
    ['a grant at once', new CountingLane({ take: () => 1 })],
    ['half a grant', new CountingLane({ take: (bytes) => Math.ceil(bytes / 2) })],
  ])('from within count: %s', async (_, up) => {
    const scene = new Scene({ up })
    up.onCount = () => scene.relay.cut(reason)
    scene.run()
    send(scene.client, 'abcdef')
    await turns()
    const first = up.limiter === undefined ? 6 : up.limiter.take(6)
    expect([scene.outcome, up.counted]).toEqual([reason, first])
  })

  it('from within count, of a late grant', async () => {
    const up = new HeldLane()
    const scene = new Scene({ up }).run()
    up.onCount = () => scene.relay.cut(reason)
    send(scene.client, 'abcdef')
    await turns()
    up.grant(2)
    await turns()
    expect([scene.outcome, up.counted, up.asked]).toEqual([reason, 2, 0])
  })

  it('takes nothing more from conns that take their time to close', async () => {
    const scene = new Scene().run()
    scene.near.reset = (): void => {}
    scene.relay.cut(reason)
    send(scene.client, 'more')
    await turns()
    expect(scene.up.counted).toBe(0)
  })

  it('does nothing before the run and after the outcome', async () => {
    const scene = new Scene()
    scene.relay.cut(reason)
    expect(scene.near.closed).toBe(false)
    scene.run()
    scene.client.conn.end()
    scene.target.conn.end()
    await turns()
    scene.relay.cut(reason)
    expect([scene.outcome, scene.near.resets]).toEqual(['OK', 0])
  })
})

describe('limiters', () => {
  it('a lane without one reads as much as there is, a lane with one at most 64 KiB', async () => {
    const up = new HeldLane()
    const scene = new Scene({ up })
    scene.near.readLimit = scene.far.readLimit = 512 * 1024
    scene.run()
    send(scene.client, 'x')
    send(scene.target, 'x')
    await turns()
    expect([scene.near.readLimit, scene.far.readLimit]).toEqual([64 * 1024, 512 * 1024])
  })

  it('takes effect with the next chunk where it is attached while the lane runs', async () => {
    const scene = new Scene().run()
    send(scene.client, 'free')
    await turns()
    expect(scene.target.text).toBe('free')
    const asked: number[] = []
    scene.up.limiter = { take: (bytes) => (asked.push(bytes), 0) }
    send(scene.client, 'limited')
    await turns()
    expect([scene.target.text, asked]).toEqual(['free', [7]])
    scene.up.onGrant(3)
    scene.up.onGrant(4)
    await turns()
    expect([scene.target.text, asked, scene.up.counted]).toEqual(['freelimited', [7, 4], 11])
  })

  it('may be attached while the other conn has not taken the last write', async () => {
    const scene = new Scene().run()
    scene.far.stalled = true
    send(scene.client, 'free')
    await turns()
    const up = new HeldLane()
    scene.up.limiter = up
    send(scene.client, 'limited')
    scene.far.stalled = false
    await turns()
    expect([scene.target.text, up.asked]).toEqual(['free', 7])
  })

  it('is not asked for more while the other conn has not taken what it granted', async () => {
    const up = new HeldLane()
    const scene = new Scene({ up }).run()
    scene.far.stalled = true
    send(scene.client, '123456')
    await turns()
    up.grant(2)
    await turns()
    expect([up.asked, up.counted]).toEqual([0, 2])
    scene.far.stalled = false
    await turns()
    expect([up.asked, scene.target.text]).toEqual([4, '12'])
  })

  it('a grant that nobody waits for any more is nothing', async () => {
    const scene = new Scene().run()
    scene.up.onGrant(10)
    send(scene.client, 'x')
    await turns()
    expect([scene.target.text, scene.up.counted]).toEqual(['x', 1])
  })

  it('flows of the shaper hold a rate far below one read', async () => {
    const clock = new ManualClock()
    const shaper = new Shaper({}, clock)
    const rate = 10_000
    const share = shaper.user('a', { down: { rate, burst: 65_536 } })
    const down = new CountingLane()
    const scene = new Scene({ down })
    down.limiter = share.flow('down', (bytes) => down.onGrant(bytes))
    scene.run()
    send(scene.target, 'x'.repeat(1_000_000))
    await turns()
    clock.advance(10_000)
    await turns()
    const before = down.counted
    for (let second = 1; second <= 20; second++) {
      clock.advance(1000)
      await turns(1)
    }
    expect(Math.abs(down.counted - before - 20 * rate) / (20 * rate)).toBeLessThan(0.01)
    expect(scene.client.size).toBe(down.counted)
  })
})

// Whatever the sizes of reads and writes, the order of the transport's steps, and the grants: every byte comes, once,
// in order, and is counted; each end behind its data.

interface Side {
  readonly writes: number[]
  readonly limited: 'never' | 'always' | 'later'
}

const sides: fc.Arbitrary<Side> = fc.record({
  writes: fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 12 }),
  limited: fc.constantFrom('never', 'always', 'later'),
})

const content = (size: number, salt: number): Buffer =>
  Buffer.from(Array.from({ length: size }, (_, i) => (i * 7 + salt + (i >> 8)) & 0xff))

describe('every byte', () => {
  it('comes both ways', async () => {
    const property = fc.asyncProperty(
      sides,
      sides,
      fc.integer({ min: 1 }),
      fc.integer({ min: 1, max: 100 }),
      carries,
    )
    await expect(fc.assert(property, { numRuns: 200 })).resolves.toBeUndefined()
  })
})

async function carries(up: Side, down: Side, seed: number, most: number): Promise<void> {
  const roll = dice(seed)
  const steps: (() => void)[] = []
  const schedule = (step: () => void): void => void steps.push(step)
  const some = (): number => roll(most) + 1
  /** Grants none, some or all at once, and late what it did not. */
  const limiter = (lane: CountingLane): CountingLane['limiter'] => {
    let waiting = 0
    const grant = (): void => {
      const bytes = roll(waiting) + 1
      waiting = 0
      lane.onGrant(bytes)
    }
    const take = (bytes: number): number => {
      expect(waiting).toBe(0)
      expect(bytes).toBeGreaterThan(0)
      const now = roll(3) === 0 ? Math.min(bytes, some()) : 0
      if (now > 0) return now
      waiting = bytes
      schedule(grant)
      return 0
    }
    return { take }
  }
  const lanes = { up: new CountingLane(), down: new CountingLane() }
  for (const [lane, { limited }] of [[lanes.up, up] as const, [lanes.down, down] as const]) {
    if (limited === 'always') lane.limiter = limiter(lane)
    if (limited === 'later') schedule(() => (lane.limiter = limiter(lane)))
  }
  const scene = new Scene(lanes, { schedule, readBytes: some, writeBytes: () => roll(most + 1) })
  const sources = [
    { from: scene.client, ...up, left: [...up.writes], bytes: content(sum(up.writes), 1), at: 0 },
    { from: scene.target, ...down, left: [...down.writes], bytes: content(sum(down.writes), 2), at: 0 },
  ]
  for (const source of sources) {
    const next = (): void => {
      const size = source.left.shift()
      if (size === undefined) return source.from.conn.end()
      source.from.conn.write(source.bytes.subarray(source.at, (source.at += size)))
      schedule(next)
    }
    schedule(next)
  }
  for (let early = roll(20); early > 0 && steps.length > 0; early--) steps.splice(roll(steps.length), 1)[0]!()
  scene.run()
  while (steps.length > 0) steps.splice(roll(steps.length), 1)[0]!()
  await turns(1)
  expect(scene.outcome).toBe('OK')
  expect(scene.target.bytes.equals(sources[0]!.bytes)).toBe(true)
  expect(scene.client.bytes.equals(sources[1]!.bytes)).toBe(true)
  expect([lanes.up.counted, lanes.down.counted]).toEqual([sum(up.writes), sum(down.writes)])
  for (const { events } of [scene.client, scene.target]) {
    expect(events.filter((event) => event !== 'data' && event !== 'drain')).toEqual(['end', 'close'])
  }
}

const sum = (sizes: readonly number[]): number => sizes.reduce((a, b) => a + b, 0)
