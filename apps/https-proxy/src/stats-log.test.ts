import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { StatsReport } from './stats.ts'
import { StatsLog } from './stats-log.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('writes a line each time, as often as it is told, until it is over', () => {
  let requests = 0
  const report = (): StatsReport => ({ total_requests: (requests += 1) }) as StatsReport
  const info = vi.fn<(fields: unknown, message?: string) => void>()
  const log = new StatsLog({ report }, { info }, 60_000)
  vi.advanceTimersByTime(59_999)
  expect(info).not.toHaveBeenCalled()
  vi.advanceTimersByTime(60_001)
  expect(info.mock.calls).toEqual([
    [{ total_requests: 1 }, 'stats'],
    [{ total_requests: 2 }, 'stats'],
  ])
  log.set(1000)
  vi.advanceTimersByTime(3000)
  expect(info).toHaveBeenCalledTimes(5)
  log[Symbol.dispose]()
  vi.advanceTimersByTime(100_000)
  expect(info).toHaveBeenCalledTimes(5)
})
