import { expect, it } from 'vitest'
import { Failovers } from './failovers.ts'

it('counts each, and tells of one cause once a minute', () => {
  let now = 0
  const told: unknown[] = []
  const failovers = new Failovers({ info: (...line: unknown[]) => void told.push(line) } as never, () => now)
  const one = { kind: 'tunnel', id: 1, target: 'a:1', code: 'DIAL_REFUSED' } as const
  failovers.note(one)
  failovers.note(one)
  failovers.note({ ...one, kind: 'host' })
  expect(failovers.counts).toEqual({ tunnel: 2, host: 1 })
  expect(told).toEqual([
    [{ tunnel: 1, target: 'a:1', code: 'DIAL_REFUSED' }, 'target.passed-over'],
    [{ host: 1, target: 'a:1', code: 'DIAL_REFUSED' }, 'target.passed-over'],
  ])
  now += 60_000
  failovers.note(one)
  expect(told).toHaveLength(3)
})
