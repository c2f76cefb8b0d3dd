import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PACKET_WINDOW, PacketWindow } from './packet-window.ts'

const W = PACKET_WINDOW

/** What a window says of each of these IDs in turn. */
const verdicts = (ids: readonly number[]): boolean[] => {
  const window = new PacketWindow()
  return ids.map((id) => window.add(id))
}
const range = (from: number, to: number): number[] =>
  from <= to
    ? Array.from({ length: to - from + 1 }, (_, index) => from + index)
    : range(to, from).toReversed()

describe('a window', () => {
  it('is as wide as SIP022 asks for', () => {
    expect(W).toBeGreaterThanOrEqual(8128)
  })

  it.each<[what: string, trace: [id: number, isNew: boolean][]]>([
    [
      'duplicates',
      [
        [0, true],
        [0, false],
        [1, true],
        [1, false],
      ],
    ],
    [
      'IDs out of order',
      [
        [9, true],
        [8, true],
        [7, true],
        [7, false],
        [9, false],
        [0, true],
      ],
    ],
    [
      'a gap within it',
      [
        [0, true],
        [W, true],
        [W - 1, true],
        [W - 1, false],
        [0, false],
        [1, true],
      ],
    ],
    [
      'its lower edge',
      [
        [W + 1, true],
        [1, true],
        [0, false],
        [1, false],
      ],
    ],
    [
      'a move by less than a word',
      [
        [W + 1, true],
        [2, true],
        [2, false],
        [W + 17, true],
        [3, false],
      ],
    ],
    [
      'a jump over more than all of it',
      [
        [5, true],
        [W * 4, true],
        [5, false],
        [W * 3, true],
        [W * 3 - 1, false],
        [W * 3 + 1, true],
      ],
    ],
    [
      'a jump to where another ID has the same bit',
      [
        [3, true],
        [3 + 8192, true],
        [3 + 8192, false],
        [3 + 16_384 * 3, true],
        [3 + 16_384 * 3 - 8160, true],
      ],
    ],
    [
      'a jump over a word that another ID shares',
      [
        [3, true],
        [8192 * 2 + 100, true],
        [8192 * 2 + 3, true],
        [8192 * 2 + 3, false],
      ],
    ],
    [
      'IDs over 32 bits',
      [
        [2 ** 32 - 1, true],
        [2 ** 32, true],
        [2 ** 40, true],
        [2 ** 32, false],
        [2 ** 53 - 1, true],
      ],
    ],
  ])('judges %s', (_what, trace) => {
    expect(verdicts(trace.map(([id]) => id))).toEqual(trace.map(([, isNew]) => isNew))
  })

  it.each<[what: string, ids: number[], last: number, isNew: boolean]>([
    ['in order, then its first', range(1, W), 0, true],
    ['in order, then one too old', range(1, W + 1), 0, false],
    ['in reverse order', range(W + 1, 1), 0, false],
    ['in reverse order, none missing', range(W, 0), 0, false],
    ['in reverse order but one', range(W, 1), 0, true],
    ['with the highest far ahead', [...range(1, W), W + 1], 0, false],
  ])('is filled %s', (_what, ids, last, isNew) => {
    expect(verdicts([...ids, last])).toEqual([...ids.map(() => true), isNew])
  })

  it('asked changes nothing', () => {
    const window = new PacketWindow()
    expect([window.accepts(7), window.accepts(7), window.add(7), window.accepts(7)]).toEqual([
      true,
      true,
      true,
      false,
    ])
    expect(window.accepts(2 ** 50)).toBe(true)
    expect(window.add(6)).toBe(true)
  })

  it('says what a set of all IDs would say', () => {
    const step = fc.oneof(fc.integer({ min: -W - 40, max: 40 }), fc.integer({ min: -100, max: 3 * W }))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const window = new PacketWindow()
        const seen = new Set<number>()
        let highest = 0
        for (const each of steps) {
          const id = Math.max(0, highest + each)
          expect(window.add(id)).toBe(!seen.has(id) && id >= highest - W)
          seen.add(id)
          highest = Math.max(highest, id)
        }
      }),
    )
  })
})
