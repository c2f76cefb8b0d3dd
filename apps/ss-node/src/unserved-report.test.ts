import { expect, it } from 'vitest'
import type { Unserved } from './unserved.ts'
import { UnservedReport } from './unserved-report.ts'

const stage = () => {
  const lines: unknown[] = []
  const write = (fields: unknown, message: unknown): void => void lines.push([message, fields])
  return { lines, report: new UnservedReport({ warn: write as never }) }
}
const ada: Unserved = { name: 'ada', port: 1, reason: 'PORT_TAKEN', detail: 'by bob' }

it('tells once, and once more after it was well', () => {
  const { lines, report } = stage()
  for (const now of [[ada], [ada], [], [ada]]) report.now(now)
  const line = ['user.unserved', { user: 'ada', port: 1, reason: 'PORT_TAKEN', detail: 'by bob' }]
  expect(lines).toEqual([line, line])
})

it('counts by reason', () => {
  const { report } = stage()
  report.now([ada, { ...ada, name: 'eve' }, { ...ada, reason: 'KEY_INVALID' }])
  expect(Object.fromEntries(report.counts)).toEqual({ PORT_TAKEN: 2, KEY_INVALID: 1 })
  report.now([])
  expect(report.counts.size).toBe(0)
})

it('writes 100 lines at most, and how many there would be', () => {
  const { lines, report } = stage()
  report.now(Array.from({ length: 150 }, (_, index) => ({ ...ada, name: `user-${index}` })))
  expect([lines.length, lines.at(-1)]).toEqual([101, ['user.unserved.more', { users: 50 }]])
})
