import { expect, it } from 'vitest'
import { loginOf } from '../subject/proxy-client.ts'
import { Dice } from './dice.ts'
import { type HandshakeCase, makeHandshakeCase } from './handshake-case.ts'

const WORLD = { login: loginOf('fuzz', 'correct-horse'), origin: { host: '127.0.0.1', port: 4567 } }
const CASES = 2000

function cases(seed: number): HandshakeCase[] {
  const dice = new Dice(seed)
  return Array.from({ length: CASES }, () => makeHandshakeCase(dice, WORLD))
}

const made = cases(1)
const texts = made.map(({ pieces }) => Buffer.concat(pieces).toString('latin1'))

it('makes the same cases for the same seed', () => {
  expect(cases(1)).toEqual(made)
  expect(cases(2)).not.toEqual(made)
})

it.each([
  [
    'whole SOCKS5 handshakes',
    '\u0005\u0002\u0000\u0002\u0001\u0004fuzz\u000dcorrect-horse\u0005\u0001\u0000\u0001\u007f\u0000\u0000\u0001',
  ],
  [
    'whole CONNECT handshakes',
    'CONNECT 127.0.0.1:4567 HTTP/1.1\r\nHost: 127.0.0.1:4567\r\nProxy-Authorization: Basic ',
  ],
  ['the sumbit line before each', 'sumbit: fuzz correct-horse \r\n\u0005\u0001\u0000'],
  ['names for numbers', 'CONNECT 2130706433:4567'],
  ['other protocols', 'SSH-2.0'],
])('has %s among them', (_what, start) => {
  expect(texts.some((text) => text.startsWith(start))).toBe(true)
})

it('has every ending, and bytes that come one at a time', () => {
  expect(new Set(made.map(({ ending }) => ending))).toEqual(new Set(['end', 'reset', 'wait', 'deaf']))
  expect(made.some(({ pieces }) => pieces.length > 20 && pieces.every(({ length }) => length === 1))).toBe(
    true,
  )
})

it('has more than a handshake may hold', () => {
  expect(texts.some(({ length }) => length > 20_000)).toBe(true)
})
