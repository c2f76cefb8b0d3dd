import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { basicCredentials, connectTarget, encodeBasic } from './http-connect.ts'
import { decodeRequestHead, type HttpField, type RequestHead } from './http-head.ts'
import { credentials } from './testing/arbitraries.ts'
import { hex, utf8 } from './testing/hex.ts'
import { codeOf } from './testing/code-of.ts'

const head: RequestHead = {
  method: 'CONNECT',
  target: 'example.com:443',
  version: '1.1',
  fields: [['Host', 'example.com:443']],
}

function withFields(...fields: readonly HttpField[]): RequestHead {
  return { ...head, fields: [...head.fields, ...fields] }
}

function basic(value: string): RequestHead {
  return withFields(['Proxy-Authorization', value])
}

describe('the target of CONNECT', () => {
  test.each([
    ['example.com:443', 'example.com', 443],
    ['[2001:db8::1]:8443', '2001:db8::1', 8443],
    ['127.0.0.1:1', '127.0.0.1', 1],
    ['2130706433:65535', '2130706433', 65535],
  ])('%s', (target, host, port) => {
    expect(connectTarget({ ...head, target })).toEqual({ host, port })
  })

  test('rules where Host differs', () => {
    expect(connectTarget({ ...head, fields: [['hOsT', 'other:1']] })).toEqual({
      host: 'example.com',
      port: 443,
    })
  })

  test('is what curl asks for', () => {
    const bytes = hex(
      String.raw`"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nProxy-Authorization: Basic dTpw\r\nUser-Agent: curl/8.0\r\nProxy-Connection: Keep-Alive\r\n\r\n"`,
    )
    expect(connectTarget(decodeRequestHead(bytes)!.value)).toEqual({ host: 'example.com', port: 443 })
  })

  test.each([
    'example.com',
    'example.com:',
    'example.com:0',
    'example.com:65536',
    '/',
    '*',
    'http://a/',
    '::1:443',
    'u@a:1',
  ])('%s is refused', (target) => {
    expect(codeOf(() => connectTarget({ ...head, target }))).toBe('WIRE_ADDRESS')
  })

  test('HTTP/1.0 needs no Host', () => {
    expect(connectTarget({ ...head, version: '1.0', fields: [] })).toEqual(connectTarget(head))
    expect(connectTarget({ ...head, version: '1.0' })).toEqual(connectTarget(head))
  })

  test.each([
    ['another method', { ...head, method: 'GET' }, 'WIRE_VALUE'],
    ['lower case', { ...head, method: 'connect' }, 'WIRE_VALUE'],
    ['two Hosts in HTTP/1.0', { ...withFields(['host', 'a:1']), version: '1.0' }, 'WIRE_VALUE'],
    ['no Host', { ...head, fields: [] }, 'WIRE_VALUE'],
    ['two Hosts', withFields(['host', 'example.com:443']), 'WIRE_VALUE'],
    ['Content-Length', withFields(['Content-Length', '5']), 'WIRE_LENGTH'],
    ['Content-Length 0', withFields(['content-length', '0']), 'WIRE_LENGTH'],
    ['Transfer-Encoding', withFields(['Transfer-Encoding', 'chunked']), 'WIRE_LENGTH'],
  ] as const)('%s is refused', (_, request, code) => {
    expect(codeOf(() => connectTarget(request))).toBe(code)
  })
})

describe('Basic credentials', () => {
  test.each([
    // RFC 7617 §2 and §2.1.
    ['Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==', utf8('Aladdin'), utf8('open sesame')],
    ['bASIC dGVzdDoxMjPCow==', utf8('test'), utf8('123£')],
    ['Basic   dTpw', utf8('u'), utf8('p')],
    ['Basic dTpwOnE6', utf8('u'), utf8('p:q:')],
    ['Basic Og==', utf8(''), utf8('')],
    ['Basic //46/w==', hex('ff fe'), hex('ff')],
  ])('%s', (value, username, password) => {
    expect(basicCredentials(basic(value))).toEqual({ username, password })
  })

  test.each(['Bearer dTpw', 'Digest username="u"', 'Basics dTpw', 'Negotiate'])(
    '%s is another scheme',
    (value) => {
      expect(basicCredentials(basic(value))).toBeUndefined()
    },
  )

  test('none are none, and Authorization is for the origin', () => {
    expect(basicCredentials(head)).toBeUndefined()
    expect(basicCredentials(withFields(['Authorization', 'Basic dTpw']))).toBeUndefined()
  })

  test.each([
    'Basic',
    'Basic ',
    '',
    '!',
    '=',
    'dTpw dTpw',
    'dTp',
    'dTpwO',
    'Og',
    'Og=',
    'Og===',
    'O=g=',
    'dT-w',
    'dTpw,',
    'dQ==',
    'dTpwAA==',
    'dQo6cA==',
    'dX86cA==',
  ])('malformed: %j', (value) => {
    const text = value.startsWith('Basic') ? value : `Basic ${value}`
    expect(codeOf(() => basicCredentials(basic(text)))).toBe('WIRE_VALUE')
  })

  test('an empty field is malformed, a repeated one too', () => {
    expect(codeOf(() => basicCredentials(basic('')))).toBe('WIRE_VALUE')
    const field: HttpField = ['proxy-authorization', 'Basic dTpw']
    expect(codeOf(() => basicCredentials(withFields(field, field)))).toBe('WIRE_VALUE')
  })

  test('round trip', () => {
    const word = fc
      .array(
        fc.integer({ min: 0x20, max: 0xff }).filter((byte) => byte !== 0x7f),
        { maxLength: 300 },
      )
      .map((bytes) => Uint8Array.from(bytes))
    fc.assert(
      fc.property(credentials(word), (pair) => {
        fc.pre(!pair.username.includes(0x3a))
        expect(basicCredentials(basic(encodeBasic(pair)))).toEqual(pair)
      }),
    )
  })

  test('what could not be read back is not written', () => {
    expect(codeOf(() => encodeBasic({ username: utf8('a:b'), password: utf8('') }))).toBe('WIRE_VALUE')
    expect(codeOf(() => encodeBasic({ username: utf8('a\n'), password: utf8('') }))).toBe('WIRE_VALUE')
    expect(codeOf(() => encodeBasic({ username: utf8('a'), password: utf8('\u0000') }))).toBe('WIRE_VALUE')
  })
})
