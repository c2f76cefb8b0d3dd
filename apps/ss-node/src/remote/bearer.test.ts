import { expect, it } from 'vitest'
import { isBearer, isSame, isToken } from './bearer.ts'

const TOKEN = 'a-token-of-24-characters'

it.each([
  [`Bearer ${TOKEN}`, true],
  [`bearer  ${TOKEN}`, true],
  [`Bearer ${TOKEN}x`, false],
  [TOKEN, false],
  ['Bearer ', false],
  ['', false],
  [undefined, false],
  [`Basic ${TOKEN}`, false],
])('%j carries the token: %s', (header, carries) => {
  expect(isBearer(header, TOKEN)).toBe(carries)
})

it('an empty token is carried by nobody', () => {
  expect(isBearer(undefined, '')).toBe(false)
  expect(isBearer('Bearer ', '')).toBe(false)
})

it('tokens are long, and have no blank', () => {
  expect([TOKEN, 'short', `${TOKEN} `, `${TOKEN}ö`].map(isToken)).toEqual([true, false, false, false])
})

it('compares texts of any length', () => {
  expect([isSame('a', 'a'), isSame('a', 'ab'), isSame('', 'a')]).toEqual([true, false, false])
})
