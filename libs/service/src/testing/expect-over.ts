import { expect } from 'vitest'
import type { Lab, Run } from './lab.ts'

/** Nothing is left of the only session of a lab, and it was told and counted once. */
export const expectOver = (lab: Lab, run: Run, code: string): void => {
  expect(lab.journal.lines('session.end').map((line) => line['code'])).toEqual([code])
  expect(lab.metrics.codes).toEqual(new Map([[code, 1]]))
  expect(lab.metrics.active).toBe(0)
  expect(lab.sessions.size).toBe(0)
  expect(lab.account().sessions).toBe(0)
  expect(run.conn.closed).toBe(true)
}
