import { expect, it } from 'vitest'
import { countTests } from './test-counts.ts'

it('adds up every summary, coloured and prefixed as it may be', () => {
  const log = [
    ' Test Files  2 passed (2)',
    '\u001B[2m      Tests \u001B[22m \u001B[1m\u001B[32m90 passed\u001B[39m\u001B[22m\u001B[90m (90)\u001B[39m',
    'wire:       Tests  1 failed | 11 passed | 2 skipped | 3 todo (17)',
    'about Tests  4 passed, said nobody',
  ].join('\n')
  expect(countTests(log)).toEqual({ passed: 101, failed: 6 })
})

it('finds nothing in a log without a summary', () => {
  expect(countTests('Error: boom\n')).toEqual({ passed: 0, failed: 0 })
})
