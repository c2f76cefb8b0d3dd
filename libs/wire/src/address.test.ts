import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatAddress, parseAddress, parseHost } from './address.ts'
import { address } from './testing/arbitraries.ts'
import { codeOf } from './testing/code-of.ts'

test.each([
  ['example.com:443', 'example.com', 443],
  ['127.0.0.1:0', '127.0.0.1', 0],
  ['[::1]:65535', '::1', 65535],
  ['[2001:DB8:0:0::1]:80', '2001:db8::1', 80],
  ['[::ffff:127.0.0.1]:80', '::ffff:127.0.0.1', 80],
  // Names, whatever a resolver makes of them.
  ['2130706433:80', '2130706433', 80],
  ['0x7f.1:80', '0x7f.1', 80],
  ['127.1:80', '127.1', 80],
  ['xn--bcher-kva.example.:80', 'xn--bcher-kva.example.', 80],
  [`${'a'.repeat(255)}:1`, 'a'.repeat(255), 1],
])('%s', (text, host, port) => {
  expect(parseAddress(text)).toEqual({ host, port })
})

test.each([
  '',
  'example.com',
  'example.com:',
  ':80',
  'example.com:65536',
  'example.com:-1',
  'example.com:+80',
  'example.com:080',
  'example.com: 80',
  'example.com:80 ',
  'example.com:8e1',
  'a b:80',
  'a\u0000:80',
  'a\r\n:80',
  'bücher.example:80',
  'user@example.com:80',
  'http://example.com:80',
  'example.com/:80',
  'a%00b:80',
  '::1:80',
  '[::1]',
  '[::1]80',
  '[::1%lo]:80',
  '[127.0.0.1]:80',
  '[example.com]:80',
  '[]:80',
  '[::1:80',
  `${'a'.repeat(256)}:1`,
])('%j is refused', (text) => {
  expect(codeOf(() => parseAddress(text))).toBe('WIRE_ADDRESS')
})

test('an error does not repeat what may hold a password', () => {
  for (const text of ['user:secret@a:80', 'http://user:secret@a/']) {
    expect(() => parseAddress(text)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    )
  }
})

test('any address round trips', () => {
  fc.assert(
    fc.property(address, (value) => {
      expect(parseAddress(formatAddress(value))).toEqual(value)
    }),
  )
})

describe('a host', () => {
  test('that is an IP literal has one spelling, a name is kept', () => {
    expect(parseHost('0:0::1')).toBe('::1')
    expect(parseHost('Example.COM')).toBe('Example.COM')
  })

  test('holds no byte that makes it another host elsewhere', () => {
    for (let code = 0; code < 256; code++) {
      const text = `a${String.fromCharCode(code)}b`
      if (/[!$&'()*+,\-.0-9;=A-Z_a-z~]/.test(text[1]!)) expect(parseHost(text)).toBe(text)
      else expect(codeOf(() => parseHost(text))).toBe('WIRE_ADDRESS')
    }
  })
})
