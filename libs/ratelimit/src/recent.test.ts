import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { Recent } from './recent.ts'

it.each([
  ['at once', [[0, 5]], 0, 5],
  ['till the end', [[0, 5]], 100, 5],
  ['no longer', [[0, 5]], 105, 0],
  ['in part', [[0, 5], [50, 7]], 120, 7], // prettier-ignore
  ['from a late start', [[1e9, 5]], 1e9 + 99, 5],
  ['after a long pause', [[3, 5], [1e6, 1]], 1e6, 1], // prettier-ignore
] as const)('remembers the last 100 ms: %s', (_, added, at, sum) => {
  const recent = new Recent()
  for (const [now, bytes] of added) {
    recent.sumAt(now)
    recent.add(bytes)
  }
  expect(recent.sumAt(at)).toBe(sum)
})

it('has all of the last 100 ms and nothing of what is more than 105 ms ago', () => {
  const steps = fc.array(fc.record({ ms: fc.double({ min: 0, max: 40, noNaN: true }), bytes: fc.nat() }))
  fc.assert(
    fc.property(steps, (taken) => {
      const recent = new Recent()
      const added: { at: number; bytes: number }[] = []
      const sumSince = (since: number): number =>
        added.filter(({ at }) => at >= since).reduce((sum, { bytes }) => sum + bytes, 0)
      let now = 0
      for (const { ms, bytes } of taken) {
        now += ms
        const sum = recent.sumAt(now)
        expect(sum).toBeGreaterThanOrEqual(sumSince(now - 100))
        expect(sum).toBeLessThanOrEqual(sumSince(now - 105))
        recent.add(bytes)
        added.push({ at: now, bytes })
      }
    }),
    { numRuns: 200 },
  )
})
