import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clientKeys, fingerprintOf, formatEnrolment, makeSecret, parseEnrolment } from './index.ts'

const octets = fc.uint8Array({ minLength: 32, maxLength: 32 })
const secret = new Uint8Array(32).fill(1)
const fingerprint = new Uint8Array(32).fill(2)
const TEXT =
  'sluice-nps://AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE.AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI@example.org:8025'

describe('an enrolment', () => {
  it('is one line', () => {
    const enrolment = { server: [{ host: 'example.org', port: 8025 }], fingerprint, secret }
    expect(formatEnrolment(enrolment)).toBe(TEXT)
    expect(parseEnrolment(`${TEXT}\n`)).toEqual(enrolment)
  })

  it('comes out as it went in', () => {
    const place = fc.record({
      host: fc.constantFrom('a.example', '127.0.0.1', '::1'),
      port: fc.nat(0xffff),
    })
    const server = fc.array(place, { minLength: 1, maxLength: 16 })
    fc.assert(
      fc.property(fc.record({ server, fingerprint: octets, secret: octets }), (enrolment) => {
        expect(parseEnrolment(formatEnrolment(enrolment))).toEqual(enrolment)
      }),
    )
  })

  it.each([
    ['', 'WIRE_SYNTAX'],
    ['sluice-nps://', 'WIRE_SYNTAX'],
    [TEXT.replace('sluice', 'http'), 'WIRE_SYNTAX'],
    [TEXT.replace('AQE.', 'AQF.'), 'WIRE_SYNTAX'],
    [TEXT.replace('AQE.', 'AQ.'), 'WIRE_SYNTAX'],
    [TEXT.replace(':8025', ''), 'WIRE_ADDRESS'],
    [TEXT.replace(':8025', ':8025,'), 'WIRE_ADDRESS'],
    [`${TEXT}${',a:1'.repeat(16)}`, 'WIRE_TOO_LONG'],
    [`${TEXT}${',a:1'.repeat(2000)}`, 'WIRE_SYNTAX'],
  ])('is not %s', (text, code) => {
    expect(() => parseEnrolment(text)).toThrow(expect.objectContaining({ code }))
  })

  it('is never told by what is wrong with it', () => {
    expect(() => parseEnrolment(`${TEXT} `.replace(':8025', ':x'))).toThrow(/^(?!.*AQEB)/)
  })
})

it('the secret is the Ed25519 private key, RFC 8032 §7.1', () => {
  const test1 = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex')
  const publicKey = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex')
  expect(clientKeys(test1).publicKey).toBe(publicKey.toString('base64url'))
  expect(makeSecret()).toHaveLength(32)
  expect(makeSecret()).not.toEqual(makeSecret())
  expect(Buffer.from(fingerprintOf(publicKey)).toString('hex')).toHaveLength(64)
})
