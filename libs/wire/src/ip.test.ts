import * as fc from 'fast-check'
import { isIP } from 'node:net'
import { expect, test } from 'vitest'
import { formatIp, parseIp } from './ip.ts'
import { ipv6Bytes } from './testing/arbitraries.ts'
import { hex } from './testing/hex.ts'

test.each([
  ['0.0.0.0', '00 00 00 00'],
  ['255.255.255.255', 'ff ff ff ff'],
  ['192.168.0.1', 'c0 a8 00 01'],
  ['::', '00 '.repeat(16)],
  ['::1', `${'00 '.repeat(15)} 01`],
  ['1::', `00 01 ${'00 '.repeat(14)}`],
  ['2001:db8::1', `20 01 0d b8 ${'00 '.repeat(11)} 01`],
  // RFC 5952 §4.2.2: one group is not shortened. §4.2.3: the longest run is, the first one among equals.
  ['2001:db8:0:1:1:1:1:1', '20 01 0d b8 00 00 00 01 00 01 00 01 00 01 00 01'],
  ['2001:0:0:1::1', `20 01 00 00 00 00 00 01 ${'00 '.repeat(6)} 00 01`],
  ['2001:db8::1:0:0:1', '20 01 0d b8 00 00 00 00 00 01 00 00 00 00 00 01'],
  ['::ffff:127.0.0.1', `${'00 '.repeat(10)} ff ff 7f 00 00 01`],
  ['::7f00:1', `${'00 '.repeat(12)} 7f 00 00 01`],
])('%s', (text, bytes) => {
  expect(parseIp(text)).toEqual(hex(bytes))
  expect(formatIp(hex(bytes))).toBe(text)
})

test.each([
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['0:0:0:0:0:ffff:127.0.0.1', '::ffff:127.0.0.1'],
  ['::ffff:7f00:1', '::ffff:127.0.0.1'],
  ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
])('%s is spelled %s', (text, canonical) => {
  expect(formatIp(parseIp(text)!)).toBe(canonical)
})

test.each([
  '',
  '1.2.3',
  '1.2.3.4.5',
  '1.2.3.256',
  '01.2.3.4',
  '1.2.3.4 ',
  '127.1',
  '0x7f.1',
  '0177.0.0.1',
  '2130706433',
  'example.com',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7:8::',
  '12345::',
  'g::',
  '::1%lo',
  '[::1]',
  '1.2.3.4::',
  '::1.2.3.4:5',
  '::1.2.3',
  `::${'0'.repeat(60)}`,
])('%j is no IP address', (text) => {
  expect(parseIp(text)).toBeUndefined()
})

test('any address round trips, and node agrees on the text', () => {
  fc.assert(
    fc.property(fc.oneof(ipv6Bytes, fc.uint8Array({ minLength: 4, maxLength: 4 })), (bytes) => {
      const text = formatIp(bytes)
      expect(isIP(text)).toBe(bytes.length === 4 ? 4 : 6)
      expect(parseIp(text)).toEqual(bytes)
      if (bytes.length === 16 && !text.startsWith('::ffff:'))
        expect(new URL(`http://[${text}]`).hostname).toBe(`[${text}]`)
    }),
  )
})

test('whatever node calls no address is none here', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9a-f:.]{0,20}$/), (text) => {
      expect(parseIp(text)?.length).toBe({ 0: undefined, 4: 4, 6: 16 }[isIP(text)])
    }),
    { numRuns: 1000 },
  )
})
