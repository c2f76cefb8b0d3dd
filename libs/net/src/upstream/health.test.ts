import { expect, it } from 'vitest'
import { Health } from './health.ts'

const OPTIONS = { failures: 3, retryMs: 1000, retryMaxMs: 3000 }

it('is out after failures in a row only', () => {
  const health = new Health(OPTIONS)
  const seen = [0, 0, 1, 0, 0, 0].map((isReached, now) => {
    if (isReached) health.reached()
    else health.failed(now)
    return health.isUp
  })
  expect(seen).toEqual([true, true, true, true, true, false])
})

it('is due for one probe after a time that doubles up to the most, and up again as soon as one gets through', () => {
  const health = new Health(OPTIONS)
  for (let i = 0; i < 3; i++) health.failed(0)
  for (const [now, isDue] of [
    [999, false],
    [1000, true],
    [1001, false],
    [2999, false],
    [3000, true],
    [5999, false],
    [6000, true],
    [8999, false],
    [9000, true],
  ] as const) {
    expect([now, health.isDue(now)]).toEqual([now, isDue])
    health.begin(now)
    if (isDue) health.failed(now)
  }
  expect(health.isUp).toBe(false)
  health.reached()
  expect([health.isUp, health.isDue(9001)]).toEqual([true, true])
  for (let i = 0; i < 3; i++) health.failed(10_000)
  expect([health.isDue(10_999), health.isDue(11_000)]).toEqual([false, true])
})
