import { expect, it } from 'vitest'
import { AddressPolicy } from '../address-policy.ts'
import { checkTarget } from './target-check.ts'

const verdict = (host: string, allow: string[] = []): unknown => {
  try {
    checkTarget(new AddressPolicy(allow, () => [{ host: '203.0.114.1', port: 80 }]), { host, port: 80 })
    return 'OK'
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}

it.each([
  ['127.0.0.1', 'TARGET_DENIED'],
  ['::1', 'TARGET_DENIED'],
  ['::ffff:10.0.0.1', 'TARGET_DENIED'],
  ['localhost', 'TARGET_DENIED'],
  ['a.LocalHost.', 'TARGET_DENIED'],
  ['127.1', 'TARGET_DENIED'],
  ['0x7f.1', 'TARGET_DENIED'],
  ['0177.0.0.1', 'TARGET_DENIED'],
  ['2130706433', 'TARGET_DENIED'],
  ['0x7F000001', 'TARGET_DENIED'],
  ['127.0.0.1.', 'TARGET_DENIED'],
  ['0', 'TARGET_DENIED'],
  ['203.0.114.1', 'TARGET_DENIED'],
  ['203.0.114.2', 'OK'],
  ['134744072', 'OK'],
  ['1.2.3.4.5', 'DIAL_NAME_UNKNOWN'],
  ['a.1', 'DIAL_NAME_UNKNOWN'],
  ['256.256.256.256', 'DIAL_NAME_UNKNOWN'],
  ['one.test', 'OK'],
  ['1.test', 'OK'],
  ['localhost.test', 'OK'],
  ['0x7f.test', 'OK'],
])('%s: %s', (host, wanted) => {
  expect(verdict(host)).toBe(wanted)
})

it('lets through what is allowed', () => {
  expect(['127.1', 'localhost', '127.0.0.1'].map((host) => verdict(host, ['127.0.0.0/8']))).toEqual(
    Array(3).fill('OK'),
  )
})
