import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ipv4, ipv6, port } from '../testing/arbitraries.ts'
import { codecSuite } from '../testing/codec-suite.ts'
import { hex, utf8 } from '../testing/hex.ts'
import { codeOf } from '../testing/code-of.ts'
import { decodeProxyHeader, encodeProxyHeader } from './codec.ts'
import type { ProxyEndpoints, ProxyHeader, ProxyTransport } from './header.ts'
import { TLV_TYPE } from './tlv.ts'

const signature = '0d 0a 0d 0a 00 0d 0a "QUIT" 0a'
const tcp4: ProxyEndpoints = {
  family: 'INET',
  transport: 'STREAM',
  source: { host: '192.168.0.1', port: 56324 },
  destination: { host: '192.168.0.11', port: 443 },
}
const tcp4Block = 'c0 a8 00 01 c0 a8 00 0b dc 04 01 bb'
const unspecified: ProxyHeader = { version: 2, command: 'PROXY', endpoints: undefined, tlvs: [] }

function v1(endpoints: ProxyEndpoints | undefined): ProxyHeader {
  return { version: 1, command: 'PROXY', endpoints, tlvs: [] }
}

function inet(family: 'INET' | 'INET6', transports: readonly ProxyTransport[]): fc.Arbitrary<ProxyEndpoints> {
  const address = fc.record({ host: family === 'INET' ? ipv4 : ipv6, port })
  const transport = fc.constantFrom(...transports)
  return fc.record({ family: fc.constant(family), transport, source: address, destination: address })
}

// Their first and last bytes may be NUL on the wire; only those at the end are padding.
const path = fc.uint8Array({ maxLength: 108 }).filter((bytes) => bytes.at(-1) !== 0)
const unix: fc.Arbitrary<ProxyEndpoints> = fc.record({
  family: fc.constant('UNIX' as const),
  transport: fc.constantFrom('STREAM' as const, 'DGRAM' as const),
  source: path,
  destination: path,
})
const tlv = fc.record({
  type: fc.integer({ min: 0, max: 255 }).filter((type) => type !== TLV_TYPE.CRC32C),
  value: fc.uint8Array({ maxLength: 300 }),
})
const both = ['STREAM', 'DGRAM'] as const

codecSuite<ProxyHeader>({
  decode: decodeProxyHeader,
  encode: encodeProxyHeader,
  known: [
    [String.raw`"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"`, v1(tcp4)],
    [
      String.raw`"PROXY TCP6 2001:db8::1 ::ffff:1.2.3.4 0 65535\r\n"`,
      v1({
        family: 'INET6',
        transport: 'STREAM',
        source: { host: '2001:db8::1', port: 0 },
        destination: { host: '::ffff:1.2.3.4', port: 65535 },
      }),
    ],
    [String.raw`"PROXY UNKNOWN\r\n"`, v1(undefined)],
    [`${signature} 20 00 00 00`, { ...unspecified, command: 'LOCAL' }],
    [`${signature} 21 00 00 00`, unspecified],
    [`${signature} 21 11 00 0c ${tcp4Block}`, { ...unspecified, endpoints: tcp4 }],
    [
      `${signature} 21 22 00 2a ${'00 '.repeat(15)} 01 20 01 0d b8 ${'00 '.repeat(11)} 02 00 01 00 02 01 00 03 "h2c"`,
      {
        ...unspecified,
        endpoints: {
          family: 'INET6',
          transport: 'DGRAM',
          source: { host: '::1', port: 1 },
          destination: { host: '2001:db8::2', port: 2 },
        },
        tlvs: [{ type: TLV_TYPE.ALPN, value: utf8('h2c') }],
      },
    ],
    [
      `${signature} 21 31 00 d8 "/run/a" ${'00 '.repeat(102)} 00 "b" ${'00 '.repeat(106)}`,
      {
        ...unspecified,
        endpoints: {
          family: 'UNIX',
          transport: 'STREAM',
          source: utf8('/run/a'),
          destination: hex('00 "b"'),
        },
      },
    ],
    [
      // The checksum was computed elsewhere.
      `${signature} 21 12 00 17 01 02 03 04 05 06 07 08 00 01 00 02 02 00 01 "a" 03 00 04 ec ba 1c 1e`,
      {
        ...unspecified,
        endpoints: {
          family: 'INET',
          transport: 'DGRAM',
          source: { host: '1.2.3.4', port: 1 },
          destination: { host: '5.6.7.8', port: 2 },
        },
        tlvs: [
          { type: TLV_TYPE.AUTHORITY, value: utf8('a') },
          { type: TLV_TYPE.CRC32C, value: hex('ec ba 1c 1e') },
        ],
      },
    ],
  ],
  values: fc.oneof(
    fc.oneof(inet('INET', ['STREAM']), inet('INET6', ['STREAM']), fc.constant(undefined)).map(v1),
    fc.constantFrom<ProxyHeader>(unspecified, { ...unspecified, command: 'LOCAL' }),
    fc
      .record({
        endpoints: fc.oneof(inet('INET', both), inet('INET6', both), unix),
        tlvs: fc.array(tlv, { maxLength: 9 }),
      })
      .map((parts): ProxyHeader => ({ ...unspecified, ...parts })),
  ),
})

describe('version 1', () => {
  test('UNKNOWN is followed by anything', () => {
    const bytes = hex(String.raw`"PROXY UNKNOWN ffff::1 what ever\r\n"`)
    expect(decodeProxyHeader(bytes)).toEqual({ value: v1(undefined), size: bytes.length })
  })

  test('a wrong word is the same verdict with and without what follows its CR', () => {
    for (const line of ['PROXY U\r', 'PROXY U\rx', 'PROXY U\r\n']) {
      expect(codeOf(() => decodeProxyHeader(utf8(line)))).toBe('WIRE_VALUE')
    }
  })

  test('the longest line has 107 bytes', () => {
    const longest = utf8(`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`)
    expect(decodeProxyHeader(longest)?.size).toBe(107)
    const longer = utf8(`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`)
    expect(decodeProxyHeader(longer.subarray(0, 106))).toBeUndefined()
    expect(codeOf(() => decodeProxyHeader(longer.subarray(0, 107)))).toBe('WIRE_TOO_LONG')
    expect(codeOf(() => decodeProxyHeader(longer))).toBe('WIRE_TOO_LONG')
  })

  test.each([
    ['HTTP POST', '"PO"', 'WIRE_SYNTAX'],
    ['lower case', '"Pr"', 'WIRE_SYNTAX'],
    ['another protocol', '"PROXY TCP5"', 'WIRE_VALUE'],
    ['UDP', '"PROXY UD"', 'WIRE_VALUE'],
    ['more than UNKNOWN', '"PROXY UNKNOWNx"', 'WIRE_VALUE'],
    ['two blanks', '"PROXY  "', 'WIRE_VALUE'],
    ['a tab', String.raw`"PROXY\t"`, 'WIRE_SYNTAX'],
    ['LF alone', String.raw`"PROXY UNKNOWN\n"`, 'WIRE_SYNTAX'],
    ['CR alone', String.raw`"PROXY UNKNOWN\rx"`, 'WIRE_SYNTAX'],
    ['NUL', '"PROXY UNKNOWN " 00', 'WIRE_SYNTAX'],
    ['no IPv4 address', '"PROXY TCP4 1.2.3 "', 'WIRE_ADDRESS'],
    ['leading zeros', '"PROXY TCP4 01.2.3.4 "', 'WIRE_ADDRESS'],
    ['IPv6 in TCP4', '"PROXY TCP4 ::1 "', 'WIRE_ADDRESS'],
    ['IPv4 in TCP6', '"PROXY TCP6 ::1 1.2.3.4 "', 'WIRE_ADDRESS'],
    ['no port', '"PROXY TCP4 1.2.3.4 1.2.3.4 65536 "', 'WIRE_ADDRESS'],
    ['a port with leading zeros', '"PROXY TCP4 1.2.3.4 1.2.3.4 1 01" 0d', 'WIRE_ADDRESS'],
    ['a word too many', '"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 "', 'WIRE_SYNTAX'],
    ['a word too few', String.raw`"PROXY TCP4 1.2.3.4 1.2.3.4 1\r"`, 'WIRE_SYNTAX'],
    ['a line of one word', String.raw`"PROXY\r"`, 'WIRE_SYNTAX'],
  ] as const)('refused at the first wrong byte: %s', (_, bytes, code) => {
    const input = hex(bytes)
    expect(codeOf(() => decodeProxyHeader(input))).toBe(code)
    expect(decodeProxyHeader(input.subarray(0, -1))).toBeUndefined()
  })

  test.each<[string, Partial<ProxyHeader>]>([
    ['LOCAL', { command: 'LOCAL' }],
    ['a TLV', { tlvs: [{ type: 1, value: hex('') }] }],
    ['UDP', { endpoints: { ...tcp4, transport: 'DGRAM' } }],
    ['UNIX', { endpoints: { family: 'UNIX', transport: 'STREAM', source: hex(''), destination: hex('') } }],
  ])('cannot say %s', (_, change) => {
    expect(codeOf(() => encodeProxyHeader({ ...v1(tcp4), ...change }))).toBe('WIRE_VALUE')
  })
})

describe('version 2', () => {
  test('what LOCAL and unspecified headers carry is skipped', () => {
    for (const kind of ['20 11', '20 ff', '21 00', '21 10', '21 01']) {
      const bytes = hex(`${signature} ${kind} 00 03 ff ff ff`)
      expect(decodeProxyHeader(bytes)).toMatchObject({ value: { endpoints: undefined, tlvs: [] }, size: 19 })
    }
  })

  test.each([
    ['another first byte', '"G"', 'WIRE_SYNTAX'],
    ['an HTTP empty line', '0d 0a "G"', 'WIRE_SYNTAX'],
    ['the end of the signature', `${signature.slice(0, -2)} 0d`, 'WIRE_SYNTAX'],
    ['version 1', `${signature} 11`, 'WIRE_VERSION'],
    ['version 3', `${signature} 31`, 'WIRE_VERSION'],
    ['command 2', `${signature} 22`, 'WIRE_VALUE'],
    ['family 4', `${signature} 21 41`, 'WIRE_VALUE'],
    ['transport 3', `${signature} 21 13`, 'WIRE_VALUE'],
    ['more than 4 KiB', `${signature} 21 11 10`, 'WIRE_TOO_LONG'],
    ['more than 4 KiB of LOCAL', `${signature} 20 00 0f f1`, 'WIRE_TOO_LONG'],
    ['less than two IPv4 addresses', `${signature} 21 11 00 0b`, 'WIRE_LENGTH'],
    ['less than two IPv6 addresses', `${signature} 21 21 00 0c`, 'WIRE_LENGTH'],
    ['less than two UNIX addresses', `${signature} 21 31 00 d7`, 'WIRE_LENGTH'],
    ['half a TLV', `${signature} 21 11 00 0d ${tcp4Block} 01`, 'WIRE_LENGTH'],
    ['a TLV too long', `${signature} 21 11 00 10 ${tcp4Block} 01 00 02 00`, 'WIRE_LENGTH'],
    ['a checksum too short', `${signature} 21 11 00 11 ${tcp4Block} 03 00 02 00 00`, 'WIRE_LENGTH'],
    ['a wrong checksum', `${signature} 21 11 00 13 ${tcp4Block} 03 00 04 00 00 00 00`, 'WIRE_CHECKSUM'],
    [
      'two checksums',
      `${signature} 21 11 00 1a ${tcp4Block} 03 00 04 00 00 00 00 03 00 04 00 00 00 00`,
      'WIRE_VALUE',
    ],
  ] as const)('refused: %s', (_, bytes, code) => {
    const input = hex(bytes)
    expect(codeOf(() => decodeProxyHeader(input))).toBe(code)
    expect(decodeProxyHeader(input.subarray(0, -1))).toBeUndefined()
  })

  test('a header has at most 4 KiB, TLVs included', () => {
    const [longest, longer] = [4096, 4097].map((size): ProxyHeader => {
      const value = new Uint8Array(size - 16 - 12 - 3)
      return { ...unspecified, endpoints: tcp4, tlvs: [{ type: TLV_TYPE.NOOP, value }] }
    })
    const bytes = encodeProxyHeader(longest!)
    expect(decodeProxyHeader(bytes)).toEqual({ value: longest, size: 4096 })
    expect(codeOf(() => encodeProxyHeader(longer!))).toBe('WIRE_TOO_LONG')
  })

  test('a checksum is computed on writing, and every changed bit behind the head breaks it', () => {
    const tlvs = [{ type: TLV_TYPE.CRC32C, value: new Uint8Array(4) }]
    const bytes = encodeProxyHeader({ ...unspecified, endpoints: tcp4, tlvs })
    expect(decodeProxyHeader(bytes)?.value.endpoints).toEqual(tcp4)
    for (let at = 16; at < 28; at++) {
      for (let bit = 1; bit < 256; bit <<= 1) {
        const changed = Uint8Array.from(bytes)
        changed[at]! ^= bit
        expect(codeOf(() => decodeProxyHeader(changed))).toBe('WIRE_CHECKSUM')
      }
    }
  })

  test.each<[string, Partial<ProxyHeader>, string]>([
    ['LOCAL with addresses', { command: 'LOCAL' }, 'WIRE_VALUE'],
    ['a TLV without addresses', { endpoints: undefined, tlvs: [{ type: 1, value: hex('') }] }, 'WIRE_VALUE'],
    ['a TLV type above a byte', { tlvs: [{ type: 256, value: hex('') }] }, 'WIRE_VALUE'],
    ['IPv6 as INET', { endpoints: { ...tcp4, source: { host: '::1', port: 1 } } }, 'WIRE_ADDRESS'],
    ['a name', { endpoints: { ...tcp4, destination: { host: 'a', port: 1 } } }, 'WIRE_ADDRESS'],
    [
      'a port above 65535',
      { endpoints: { ...tcp4, source: { host: '1.1.1.1', port: 65536 } } },
      'WIRE_ADDRESS',
    ],
    [
      'a UNIX address over 108 bytes',
      {
        endpoints: { family: 'UNIX', transport: 'STREAM', source: new Uint8Array(109), destination: hex('') },
      },
      'WIRE_TOO_LONG',
    ],
    ['a checksum of 2 bytes', { tlvs: [{ type: TLV_TYPE.CRC32C, value: new Uint8Array(2) }] }, 'WIRE_LENGTH'],
  ])('%s cannot be encoded', (_, change, code) => {
    const act = (): unknown => encodeProxyHeader({ ...unspecified, endpoints: tcp4, ...change })
    expect(act).toThrow(expect.objectContaining({ code }))
  })
})
