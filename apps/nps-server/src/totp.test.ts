import { expect, test } from 'vitest'
import { makeTotpSecret, totpCode, totpKey, totpStep } from './totp.ts'

const SECRET = Buffer.from('12345678901234567890')

test.each([
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
])('RFC 6238, appendix B: at %d s it is %s', (seconds, code) => {
  expect(totpCode(SECRET, Math.floor(seconds / 30))).toBe(code)
  expect(totpStep(SECRET, code, seconds * 1000)).toBe(Math.floor(seconds / 30))
})

test('a code is good for its step and those beside it', () => {
  const code = totpCode(SECRET, 1000)
  const found = [998, 999, 1000, 1001, 1002].map((step) => totpStep(SECRET, code, step * 30_000))
  expect(found).toEqual([undefined, 1000, 1000, 1000, undefined])
})

test.each(['', '28708', '2870820', '28708x', '２８７０８２', '-87082', ' 287082'])(
  '%j is no code',
  (code) => {
    expect(totpStep(SECRET, code, 59_000)).toBeUndefined()
  },
)

test('a key is told as apps take it', () => {
  expect(totpKey(SECRET, 'Ann’s laptop')).toEqual({
    secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
    uri:
      'otpauth://totp/Sluice%3AAnn%E2%80%99s%20laptop?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' +
      '&issuer=Sluice&digits=6&period=30',
  })
  expect(makeTotpSecret()).toHaveLength(20)
  expect(makeTotpSecret()).not.toEqual(makeTotpSecret())
})
