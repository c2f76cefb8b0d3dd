import { describe, expect, it } from 'vitest'
import { Shaper } from './shaper.ts'
import type { Share } from './share.ts'
import type { ShareLimits } from './share-credits.ts'
import { ManualClock } from './testing/manual-clock.ts'
import { Sender } from './testing/sender.ts'
import type { Limit } from './token-bucket.ts'

const KB = 1000
const MB = 1_000_000

/** A quarter of the burst is there at the start. */
const limit = (rate: number, burst = rate): Limit => ({ rate, burst })

function setUp(limits: ShareLimits = {}, node: ShareLimits = {}) {
  const clock = new ManualClock()
  const shaper = new Shaper(node, clock)
  const share = shaper.user('alice', limits)
  const log: [at: number, name: string, bytes: number][] = []
  const flow = (name: string, direction: 'up' | 'down' = 'down', of: Share = share) =>
    of.flow(direction, (bytes) => log.push([clock.now(), name, bytes]))
  return { clock, shaper, share, log, flow }
}

describe('take', () => {
  it('gives at once what is there, then nothing, then tells once', () => {
    const { clock, flow, log } = setUp({ down: limit(MB) })
    const a = flow('a')
    expect([a.take(200 * KB), a.take(100 * KB), a.take(50 * KB)]).toEqual([200 * KB, 50 * KB, 0])
    clock.advance(1000)
    expect(log).toEqual([[10, 'a', 10_000]])
  })

  it('takes from all buckets that apply, and from none where one has too little', () => {
    const { flow } = setUp({ down: limit(4 * MB), total: limit(2 * MB) }, { down: limit(8 * MB) })
    const [up, down] = [flow('up', 'up'), flow('down')]
    expect([down.take(MB), up.take(1), down.take(1)]).toEqual([500 * KB, 0, 0])
  })

  it('never waits where nothing limits it', () => {
    const { share, clock, flow } = setUp({ down: limit(1) }, { down: limit(1) })
    expect([share.limited('up'), share.limited('down')]).toEqual([false, true])
    expect(flow('a', 'up').take(1e15)).toBe(1e15)
    expect(clock.timers).toBe(0)
  })

  it('begins with a quarter of the burst as it is at the first flow', () => {
    const { share, flow } = setUp({ down: limit(MB) })
    share.set({ down: limit(8 * MB), up: limit(MB) })
    expect([share.limited('up'), flow('a').take(9 * MB)]).toEqual([true, 2 * MB])
  })

  it('asked again while it waits, waits for what was asked for last', () => {
    const { clock, flow, log } = setUp({ down: limit(MB) })
    const a = flow('a')
    a.take(250 * KB)
    expect([a.take(9 * KB), a.take(5 * KB)]).toEqual([0, 0])
    clock.advance(1000)
    expect(log).toEqual([[5, 'a', 5 * KB]])
  })

  it('gives one who is alone all that is there, in one piece', () => {
    const { clock, flow, log } = setUp({ down: limit(100 * MB) }, { down: limit(100 * MB) })
    const a = flow('a')
    expect([a.take(25 * MB), a.take(10 * MB)]).toEqual([25 * MB, 0])
    clock.advance(10)
    expect(log).toEqual([[10, 'a', MB]])
  })

  it('wakes nobody for less than is worth a write', () => {
    const { clock, flow, log } = setUp({ down: limit(100 * MB) })
    const a = flow('a')
    a.take(25 * MB)
    a.take(65_536)
    clock.advance(100)
    expect(log).toEqual([[2, 'a', 65_536]])
  })
})

describe('close', () => {
  it('of one who waits leaves the others their turn, and no timer for nobody', () => {
    const { clock, flow, log } = setUp({ down: limit(MB) })
    const [a, b] = [flow('a'), flow('b')]
    a.take(250 * KB)
    a.take(5 * KB)
    b.take(5 * KB)
    a.close()
    expect(clock.timers).toBe(1)
    clock.advance(1000)
    expect(log).toEqual([[10, 'b', 5 * KB]])
    b.take(2 * MB)
    b.take(MB)
    expect(clock.timers).toBe(1)
    b.close()
    expect(clock.timers).toBe(0)
  })

  it('twice is once, and after it there is nothing to take that would have to wait', () => {
    const { clock, flow, log } = setUp({ down: limit(MB) })
    const [a, b] = [flow('a'), flow('b')]
    b.take(250 * KB)
    b.take(KB)
    a.close()
    a.close()
    expect([a.take(KB), clock.timers]).toEqual([0, 1])
    clock.advance(100)
    expect(log.map(([, name]) => name)).toEqual(['b'])
  })

  it.each(['itself', 'all', 'others', 'the user', 'all users'] as const)('within a grant: %s', (whom) => {
    const clock = new ManualClock()
    const shaper = new Shaper({ down: limit(MB) }, clock)
    let closed = false
    let granted = 0
    const flows = ['alice', 'bob', 'carol'].flatMap((id) =>
      Array.from({ length: 3 }, () => {
        const flow = shaper.user(id).flow('down', () => {
          granted++
          if (closed) return
          closed = true
          const mine = flows.filter(({ side }) => side === flow.side)
          const gone = { itself: [flow], all: flows, others: flows.filter((each) => each !== flow) }
          for (const each of whom in gone ? gone[whom as keyof typeof gone] : mine) each.close()
          if (whom === 'the user') shaper.remove(id)
          if (whom === 'all users') for (const each of ['alice', 'bob', 'carol']) shaper.remove(each)
        })
        return flow
      }),
    )
    flows[0]!.take(250 * KB)
    for (const flow of flows) flow.take(KB)
    clock.advance(100)
    expect(granted).toBe({ itself: 9, all: 1, others: 1, 'the user': 7, 'all users': 1 }[whom])
    expect(clock.timers).toBe(0)
  })
})

describe('an error in a grant', () => {
  it('goes to who runs the timer, and stops nobody else', () => {
    const { clock, share, flow, log } = setUp({ down: limit(MB) })
    const bad = share.flow('down', () => {
      throw new Error('bad')
    })
    bad.take(250 * KB)
    bad.take(KB)
    const good = flow('good')
    good.take(KB)
    expect(() => clock.advance(100)).toThrow('bad')
    clock.advance(100)
    expect(log.map(([, name]) => name)).toEqual(['good'])
  })
})

describe('remove', () => {
  it('forgets the buckets, and who waits for them', () => {
    const { clock, shaper, share, flow, log } = setUp({ down: limit(MB) })
    const a = flow('a')
    a.take(250 * KB)
    a.take(KB)
    shaper.remove('alice')
    expect(clock.timers).toBe(0)
    a.close()
    clock.advance(100)
    expect(log).toEqual([])
    shaper.remove('alice')
    expect(shaper.user('alice')).not.toBe(share)
  })

  it('within a grant: nobody else of the user gets anything', () => {
    const clock = new ManualClock()
    const shaper = new Shaper({ down: limit(MB) }, clock)
    const log: string[] = []
    const flowOf = (id: string) =>
      shaper.user(id).flow('down', () => {
        log.push(id)
        if (id === 'alice') shaper.remove(id)
      })
    const flows = ['alice', 'alice', 'bob', 'alice', 'bob'].map(flowOf)
    flows[0]!.take(250 * KB)
    for (const flow of flows) flow.take(KB)
    clock.advance(100)
    expect([log, clock.timers]).toEqual([['alice', 'bob', 'bob'], 0])
  })

  it('leaves the others their turn', () => {
    const { clock, shaper, flow, log } = setUp({}, { down: limit(MB) })
    const [a, b] = [flow('a'), flow('b', 'down', shaper.user('bob'))]
    a.take(250 * KB)
    a.take(KB)
    b.take(KB)
    shaper.remove('alice')
    a.close()
    clock.advance(100)
    expect(log.map(([, name]) => name)).toEqual(['b'])
  })
})

describe('timers', () => {
  it('there is none before anybody waits, at most one while they do, and none afterwards', () => {
    const { clock, shaper, flow } = setUp({ down: limit(MB) }, { up: limit(MB), total: limit(MB) })
    const flows = [flow('a'), flow('b'), flow('c', 'up'), flow('d', 'up', shaper.user('bob'))]
    for (const each of flows) each.take(60 * KB)
    expect(clock.timers).toBe(0)
    for (const each of flows) {
      each.take(100 * KB)
      expect(clock.timers).toBeLessThanOrEqual(1)
    }
    expect(clock.timers).toBe(1)
    clock.advance(1000)
    expect(clock.timers).toBe(0)
  })

  it('there is none after close', () => {
    const { clock, shaper, flow, log } = setUp({ down: limit(MB) })
    const [a, b] = [flow('a'), flow('b')]
    a.take(250 * KB)
    a.take(KB)
    shaper.close()
    b.take(KB)
    expect(clock.timers).toBe(0)
    clock.advance(1000)
    b.take(KB)
    expect([log, clock.timers]).toEqual([[], 0])
  })

  it('there is none for who begins to wait after close', () => {
    const { clock, shaper, flow } = setUp({ down: limit(MB) })
    shaper.close()
    expect([flow('a').take(MB), flow('b').take(KB), clock.timers]).toEqual([250 * KB, 0, 0])
  })

  it('there is none for a rate of 0', () => {
    const { clock, flow, log } = setUp({ down: limit(0, 100) })
    const a = flow('a')
    expect([a.take(100), a.take(1), clock.timers]).toEqual([25, 0, 0])
    clock.advance(1e9)
    expect(log).toEqual([])
  })

  it('reads the clock of the system unless given another', () => {
    const shaper = new Shaper({ down: limit(MB) })
    expect(shaper.user('a').flow('down', () => {}).take(KB)).toBe(KB) // prettier-ignore
    shaper.close()
  })
})

describe('a limit that is no limit', () => {
  it.each([
    { down: limit(-1) },
    { up: limit(Number.NaN, 1) },
    { total: limit(Infinity, 1) },
    { down: limit(1, Infinity) },
    { down: limit(1), total: limit(1, -1) },
  ])('is refused, and changes nothing: %j', (limits) => {
    const { shaper, share, flow } = setUp({ down: limit(4 * MB) })
    for (const set of [() => share.set(limits), () => shaper.set(limits), () => shaper.user('bob', limits)]) {
      expect(set).toThrow(RangeError)
    }
    expect(() => new Shaper(limits, new ManualClock())).toThrow(RangeError)
    expect([flow('a').take(MB), share.limited('up')]).toEqual([MB, false])
    expect(shaper.user('bob').limited('down')).toBe(false)
  })

  it.each([0, -1, Number.NaN, Infinity])('is refused as a weight: %d', (weight) => {
    expect(() => setUp({ weight })).toThrow(RangeError)
    expect(() => setUp().share.set({ weight })).toThrow(RangeError)
  })
})

describe('a change of limits', () => {
  /** Bytes per second, after a second of getting used to it. */
  const paceOf = (clock: ManualClock, sender: Sender): number => {
    clock.advance(1000)
    const before = sender.bytes
    clock.advance(5000)
    return (sender.bytes - before) / 5
  }
  const within = (percent: number, rate: number, pace: number): void =>
    expect(Math.abs(pace / rate - 1)).toBeLessThan(percent / 100)

  describe.each(['user', 'node'] as const)('of the %s', (level) => {
    describe.each(['sync', 0] as const)('for flows that ask again: %s', (again) => {
      const setUpSender = (first: ShareLimits) => {
        const clock = new ManualClock()
        const shaper = new Shaper(level === 'node' ? first : {}, clock)
        const share = shaper.user('alice', level === 'user' ? first : {})
        const set = (limits: ShareLimits): void => (level === 'user' ? share : shaper).set(limits)
        return { clock, set, sender: new Sender(share, clock, { again }) }
      }

      it.each(['down', 'total'] as const)('holds for running flows at once: %s', (key) => {
        const { clock, set, sender } = setUpSender({ [key]: limit(MB) })
        within(1, MB, paceOf(clock, sender))
        for (const rate of [10 * KB, 10 * MB, 64 * KB, 100 * MB, MB]) {
          const before = sender.bytes
          set({ [key]: limit(rate, rate / 4) })
          clock.advance(100)
          expect(sender.bytes - before).toBeLessThanOrEqual(rate / 4 + rate / 10)
          within(1, rate, paceOf(clock, sender))
        }
      })

      it('from one bucket to another lets nobody wait for the old one', () => {
        const { clock, set, sender } = setUpSender({ down: limit(1, 1) })
        for (const key of ['total', 'down'] as const) {
          set({ [key]: limit(MB) })
          within(1, MB, paceOf(clock, sender))
        }
      })
    })

    it('to none at all releases who waits at once, and back again limits them', () => {
      const clock = new ManualClock()
      const slow = { down: limit(1, 1) }
      const shaper = new Shaper(level === 'node' ? slow : {}, clock)
      const share = shaper.user('alice', level === 'user' ? slow : {})
      const set = (limits: ShareLimits): void => (level === 'user' ? share : shaper).set(limits)
      for (let i = 0; i < 3; i++) {
        const log: number[] = []
        const flows = [1, 2, 3].map((bytes) => share.flow('down', () => log.push(bytes)))
        for (const flow of flows) expect(flow.take(MB)).toBe(0)
        set({})
        expect(share.limited('down')).toBe(false)
        clock.advance(0)
        expect([log, clock.timers, flows[0]!.take(1e12)]).toEqual([[1, 2, 3], 0, 1e12])
        set(slow)
        expect(share.limited('down')).toBe(true)
        for (const flow of flows) flow.close()
      }
    })

    it('from 0 wakes who waits', () => {
      const clock = new ManualClock()
      const none = { down: limit(0, 1) }
      const shaper = new Shaper(level === 'node' ? none : {}, clock)
      const share = shaper.user('alice', level === 'user' ? none : {})
      const sender = new Sender(share, clock)
      clock.advance(1000)
      expect([sender.bytes, clock.timers]).toEqual([0, 0])
      ;(level === 'user' ? share : shaper).set({ down: limit(MB) })
      within(1, MB, paceOf(clock, sender))
    })

    it('may come from within a grant', () => {
      const clock = new ManualClock()
      const shaper = new Shaper({ down: limit(MB) }, clock)
      const share = shaper.user('alice', { down: limit(MB) })
      const bob = new Sender(shaper.user('bob', { down: limit(10 * MB) }), clock)
      let grants = 0
      const ask = (): void => {
        while (flow.take(65_536) > 0);
      }
      const flow = share.flow('down', () => {
        const limits = [{ total: limit(MB) }, { up: limit(1) }, {}, { down: limit(MB), total: limit(MB) }]
        ;(level === 'user' ? share : shaper).set(limits[grants++ % 4]!)
        ask()
      })
      ask()
      clock.advance(1000)
      expect(grants).toBeGreaterThan(10)
      expect(bob.bytes).toBeGreaterThan(100 * KB)
    })
  })

  it('keeps what is in a bucket that stays', () => {
    const { shaper, share, flow } = setUp({ down: limit(MB) }, { down: limit(MB) })
    const a = flow('a')
    a.take(150 * KB)
    for (let i = 0; i < 3; i++) {
      share.set({ down: limit(10 * MB) })
      shaper.set({ down: limit(10 * MB), up: limit(1) })
    }
    expect([a.take(MB), a.take(MB)]).toEqual([100 * KB, 0])
  })

  it('of a weight holds at once', () => {
    const clock = new ManualClock()
    const shaper = new Shaper({ down: limit(MB) }, clock)
    const [alice, bob] = [shaper.user('alice'), shaper.user('bob')]
    const [a] = [new Sender(alice, clock), new Sender(bob, clock)]
    within(5, MB / 2, paceOf(clock, a))
    bob.set({ weight: 4 })
    within(5, MB / 5, paceOf(clock, a))
  })
})
