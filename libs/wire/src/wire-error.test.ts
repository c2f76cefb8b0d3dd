import { expect, test } from 'vitest'
import { WIRE_ERROR_CODES, WireError } from './wire-error.ts'

test('the codes are distinct and stable names', () => {
  expect(new Set(WIRE_ERROR_CODES).size).toBe(WIRE_ERROR_CODES.length)
  for (const code of WIRE_ERROR_CODES) expect(code).toMatch(/^WIRE_[A-Z]+(_[A-Z]+)*$/)
})

test('an error carries its code and message', () => {
  const error = new WireError('WIRE_SYNTAX', 'what was wrong')
  expect(error).toMatchObject({ name: 'WireError', code: 'WIRE_SYNTAX', message: 'what was wrong' })
  expect(error).toBeInstanceOf(Error)
})
