import { ssMethod } from '@sluice/wire/shadowsocks'
import { expect, it } from 'vitest'
import { ReplayGuard } from './replay.ts'

const NOW_S = 1_700_000_000
const stage = () => {
  const clock = { ms: NOW_S * 1000 }
  const guard = new ReplayGuard({ now: () => clock.ms, wallNow: () => clock.ms })
  const check = (salt: string, seconds?: number, hash = 'ada'): void =>
    guard.check({ salt: Buffer.from(salt), seconds }, { hash })
  return { clock, guard, check }
}

it.each([[undefined], [NOW_S]])('a salt comes once (time %s)', (seconds) => {
  const { check } = stage()
  check('one', seconds)
  check('other', seconds)
  expect(() => check('one', seconds)).toThrow(expect.objectContaining({ code: 'REPLAY' }))
})

it('a salt of 2022 under another key is another one', () => {
  const { check } = stage()
  check('one', NOW_S, 'ada')
  check('one', NOW_S, 'bob')
  expect(() => check('one', NOW_S, 'bob')).toThrow(expect.objectContaining({ code: 'REPLAY' }))
})

it.each([30, -30])('a clock may be %i s off', (skew) => {
  const { clock, check } = stage()
  check('one', NOW_S + skew)
  clock.ms += 999
  check('other', NOW_S + skew)
})

it.each([31, -31, -NOW_S])('but not %i s, and the salt is not used up by that', (skew) => {
  const { check } = stage()
  expect(() => check('one', NOW_S + skew)).toThrow(expect.objectContaining({ code: 'CLOCK_SKEW' }))
  check('one', NOW_S)
})

it.each([
  ['aes-256-gcm', undefined],
  ['2022-blake3-aes-256-gcm', NOW_S],
])('our own salts of %s do not come back', (method, seconds) => {
  const { guard, check } = stage()
  guard.own({ method: ssMethod(method)!, hash: 'ada' }, Buffer.from('ours'))
  expect(() => check('ours', seconds)).toThrow(expect.objectContaining({ code: 'REPLAY' }))
})

it('what has no salt cannot be told from its like', () => {
  const { guard, check } = stage()
  guard.own({ method: ssMethod('none')!, hash: 'ada' }, Buffer.from(''))
  check('')
  check('')
})
