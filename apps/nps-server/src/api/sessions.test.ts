import { expect, test } from 'vitest'
import { Sessions } from './sessions.ts'

const MINUTE = 60_000

test('a session is known by both of its halves', () => {
  const sessions = new Sessions()
  const [one, other] = [sessions.open(1), sessions.open(2)]
  expect([sessions.use(one), sessions.use(other)]).toEqual([1, 2])
  expect(sessions.use({ cookie: one.cookie, key: other.key })).toBeUndefined()
  expect(sessions.use({ cookie: one.key, key: one.cookie })).toBeUndefined()
  expect(sessions.use({ cookie: '', key: '' })).toBeUndefined()
})

test('it ends when it is not used, and in any case', () => {
  let now = 0
  const sessions = new Sessions(() => now)
  const [used, idle] = [sessions.open(1), sessions.open(1)]
  for (now = 0; now < 12 * 60 * MINUTE; now += 29 * MINUTE) expect(sessions.use(used)).toBe(1)
  now = 12 * 60 * MINUTE
  expect([sessions.use(used), sessions.use(idle)]).toEqual([undefined, undefined])
})

test('it ends by itself, or with all of its token', () => {
  const sessions = new Sessions()
  const [one, two, other] = [sessions.open(1), sessions.open(1), sessions.open(2)]
  sessions.close(one)
  expect(sessions.use(one)).toBeUndefined()
  expect(sessions.closeOf(1)).toBe(1)
  expect([sessions.use(two), sessions.use(other)]).toEqual([undefined, 2])
})

test('a token has so many, and its oldest goes', () => {
  const sessions = new Sessions()
  const [other, first, second] = [sessions.open(1), sessions.open(2), sessions.open(2)]
  for (let nth = 0; nth < 99; nth += 1) sessions.open(2)
  expect([other, first, second].map((each) => sessions.use(each))).toEqual([1, undefined, 2])
})
