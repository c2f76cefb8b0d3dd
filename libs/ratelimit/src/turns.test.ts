import { describe, expect, it } from 'vitest'
import { Credit } from './credit.ts'
import { type Pump, quantumOf, Taker, Turns } from './turns.ts'

class Flow extends Taker {
  readonly name: string

  constructor(name: string) {
    super()
    this.name = name
  }
}

/** Turns of 25 kB at a bucket of 1 MB/s, which is as good as empty. */
function setUp() {
  const credit = new Credit({ rate: 1e6, burst: 1e6 }, 0)
  credit.tokens = 0
  const turns = new Turns<Flow>([credit])
  const [a, b, c] = [new Flow('a'), new Flow('b'), new Flow('c')]
  for (const flow of [a, b, c]) turns.queue(flow)
  const at = (now: number): Pump => ({ now, hurry: false })
  /** Lets the next one have its turn and `wait` on, or go away for a moment. */
  const serve = (pump: Pump, wait: boolean): string | undefined => {
    const flow = turns.head() ?? turns.next(pump)
    if (flow === undefined) return undefined
    turns.charge(flow, flow.deficit, pump.now)
    turns.leave(flow)
    if (wait) {
      turns.back(flow)
      turns.queue(flow)
    }
    return flow.name
  }
  // Newcomers go first; from the next round on they take turns.
  for (let i = 0; i < 3; i++) serve(at(-10), true)
  return { credit, turns, a, b, c, at, serve }
}

it.each([
  [64_000, 9, 640],
  [64_000, 999, 64],
  [1, 1, 64],
  [1e6, 1, 50_000],
  [1e8, 9, 65_536],
])(
  'a turn lasts for a tenth of a second over all: %d bytes/s, %d takers, %d bytes',
  (rate, takers, bytes) => {
    const slow = new Credit({ rate, burst: rate }, 0)
    const fast = new Credit({ rate: 1e10, burst: 1e10 }, 0)
    expect(quantumOf([fast, slow], takers)).toBe(bytes)
    expect(quantumOf([], takers)).toBe(Infinity)
  },
)

describe('a round', () => {
  it('gives each one turn, and follows upon the last at once where all wait', () => {
    const { at, serve } = setUp()
    const pump = at(0)
    expect(Array.from({ length: 7 }, () => serve(pump, true)).join('')).toBe('abcabca')
  })

  it('is not over before those who were served are back', () => {
    const { turns, b, at, serve } = setUp()
    expect([serve(at(0), true), serve(at(0), false), serve(at(0), true)]).toEqual(['a', 'b', 'c'])
    expect([serve(at(1), true), turns.expects(1)]).toEqual([undefined, true])
    turns.back(b)
    turns.queue(b)
    expect([turns.expects(1), serve(at(1), true)]).toEqual([false, 'a'])
  })

  it('waits 2 ms for them', () => {
    const { turns, at, serve } = setUp()
    for (const wait of [true, false, true]) serve(at(10), wait)
    expect([serve(at(11.9), true), turns.expects(11.9)]).toEqual([undefined, true])
    expect([turns.expects(12), serve(at(12), true)]).toEqual([false, 'a'])
    expect([serve(at(12), true), serve(at(12), true)]).toEqual(['c', 'a'])
  })

  it('does not wait for one who has left for good', () => {
    const { turns, b, at, serve } = setUp()
    for (const wait of [true, false, true]) serve(at(0), wait)
    turns.remove(b)
    expect(serve(at(0), true)).toBe('a')
  })

  it('waits for three pumps where credit piles up', () => {
    const { credit, turns, at, serve } = setUp()
    for (const wait of [true, false, true]) serve(at(0), wait)
    credit.tokens = 19_999
    const calm = at(0.5)
    expect([turns.expects(0.5), serve(calm, true), calm.hurry]).toEqual([true, undefined, false])
    credit.tokens = 20_000
    for (let i = 0; i < 2; i++) {
      const pump = at(1)
      expect([serve(pump, true), serve(pump, true)]).toEqual([undefined, undefined])
      expect([turns.expects(1), pump.hurry]).toEqual([false, true])
    }
    const third = at(1)
    expect([serve(third, false), serve(third, true), serve(third, true)]).toEqual(['a', 'c', undefined])
    expect(serve(at(1), true)).toBe(undefined)
  })

  it('goes on with those who have begun', () => {
    const { turns, a, at, serve } = setUp()
    const first = turns.next(at(0))
    turns.charge(a, 1000, 0)
    turns.queue(a)
    expect([first, turns.begun, turns.head(), a.deficit]).toEqual([a, 1, a, 24_000])
    expect([serve(at(0), true), serve(at(0), true)]).toEqual(['a', 'b'])
  })
})

describe('a newcomer', () => {
  it('goes before those whose turn is to come, with one turn', () => {
    const { turns, at, serve } = setUp()
    serve(at(0), true)
    const flow = new Flow('new')
    turns.queue(flow)
    expect(Array.from({ length: 5 }, () => serve(at(0), true))).toEqual(['new', 'b', 'c', 'a', 'new'])
  })

  it('need not wait where it is alone, or those who wait have had their turn', () => {
    const { turns, a, b, c, at, serve } = setUp()
    const flow = new Flow('new')
    serve(at(0), true)
    expect(turns.allowance(flow)).toBe(0)
    for (const wait of [false, true]) serve(at(0), wait)
    expect(turns.allowance(flow)).toBe(20_000)
    for (const each of [a, b, c]) turns.remove(each)
    expect(turns.allowance(flow)).toBe(Infinity)
  })

  it('has no second turn in the same round, whether it waits or not', () => {
    const { turns, a, at, serve } = setUp()
    for (const wait of [false, true, true]) serve(at(0), wait)
    turns.back(a)
    expect(turns.allowance(a)).toBe(0)
    turns.queue(a)
    expect(turns.begun).toBe(0)
  })
})

it('weighs turns', () => {
  const { turns, a, at } = setUp()
  a.weight = 2.5
  expect(turns.next(at(0))?.deficit).toBe(62_500)
  const tiny = new Flow('tiny')
  tiny.weight = 1e-9
  turns.queue(tiny)
  expect(tiny.deficit).toBe(1)
})

it('takes all turns back when the rate changes', () => {
  const { turns, a, at } = setUp()
  turns.next(at(0))
  turns.restart([new Credit({ rate: 1000, burst: 1000 }, 0)])
  expect([turns.hasTurn(a), turns.head(), a.deficit]).toEqual([false, a, 64])
})
