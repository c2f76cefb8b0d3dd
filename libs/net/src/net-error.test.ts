import { describe, expect, it } from 'vitest'
import { dialCode, errnoOf, NET_ERROR_CODES, NetError } from './net-error.ts'

const errno = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code })

const MEANINGS = {
  DIAL_REFUSED: ['ECONNREFUSED'],
  DIAL_TIMEOUT: ['ETIMEDOUT'],
  DIAL_UNREACHABLE_HOST: ['EHOSTUNREACH', 'EHOSTDOWN'],
  DIAL_UNREACHABLE_NETWORK: ['ENETUNREACH', 'ENETDOWN', 'EAFNOSUPPORT'],
  DIAL_LOCAL_LIMIT: ['EADDRNOTAVAIL', 'EADDRINUSE', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'],
  DIAL_NAME_UNKNOWN: ['ENOTFOUND', 'EAI_NONAME', 'EAI_NODATA'],
  DIAL_NAME_FAILED: ['EAI_AGAIN', 'EAI_FAIL'],
  DIAL_FAILED: ['EPERM', 'ECONNRESET', 'toString', ''],
} as const

describe('dialCode', () => {
  it.each(Object.entries(MEANINGS))('%s: %s', (code, errnos) => {
    for (const each of errnos) expect(dialCode([errno(each)])).toBe(code)
  })

  it.each([
    [['ENETUNREACH', 'ECONNREFUSED'], 'DIAL_REFUSED'],
    [['EADDRNOTAVAIL', 'ETIMEDOUT', 'EHOSTUNREACH'], 'DIAL_TIMEOUT'],
    [['EPERM', 'EMFILE'], 'DIAL_LOCAL_LIMIT'],
    [['EPERM', 'EPERM'], 'DIAL_FAILED'],
  ])('of %s the most telling decides: %s', (errnos, code) => {
    expect(dialCode(errnos.map(errno))).toBe(code)
  })

  it.each([[[]], [['a text']], [[undefined]], [[null]], [[new Error('no code')]]])(
    'knows nothing of %s',
    (errors) => {
      expect(dialCode(errors)).toBe('DIAL_FAILED')
    },
  )

  it.each([
    ['EADDRNOTAVAIL', 'DIAL_SOURCE_UNAVAILABLE'],
    ['EINVAL', 'DIAL_SOURCE_UNAVAILABLE'],
    ['EADDRINUSE', 'DIAL_LOCAL_LIMIT'],
  ])('%s of a bind: %s', (code, meaning) => {
    expect(dialCode([Object.assign(errno(code), { syscall: 'bind' })])).toBe(meaning)
  })

  it('keeps the code of an error of this lib', () => {
    expect(dialCode([new NetError('TARGET_DENIED', 'no')])).toBe('TARGET_DENIED')
  })
})

describe('errnoOf', () => {
  it.each([
    [errno('EPIPE'), 'EPIPE'],
    [new NetError('DIAL_FAILED', ''), 'DIAL_FAILED'],
    [new Error('none'), ''],
    [Object.assign(new Error('number'), { code: 7 }), ''],
    [{ code: 'EPIPE' }, ''],
    [undefined, ''],
  ])('%s: %j', (error, code) => {
    expect(errnoOf(error)).toBe(code)
  })
})

it('codes are distinct and in capitals', () => {
  expect(new Set(NET_ERROR_CODES).size).toBe(NET_ERROR_CODES.length)
  for (const code of NET_ERROR_CODES) expect(code).toMatch(/^[A-Z]+(_[A-Z]+)+$/)
})
