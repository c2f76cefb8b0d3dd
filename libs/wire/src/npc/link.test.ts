import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codecSuite } from '../testing/codec-suite.ts'
import { codeOf } from '../testing/code-of.ts'
import { hex } from '../testing/hex.ts'
import { links } from '../testing/npc-vectors.ts'
import { textBlock } from './block.ts'
import { decodeNpcLink, encodeNpcLink, NPC_LINK_TYPES, type NpcLink } from './link.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 30 })
const values: fc.Arbitrary<NpcLink> = fc.record({
  type: fc.constantFrom(...NPC_LINK_TYPES),
  host: text,
  crypt: fc.boolean(),
  compress: fc.boolean(),
  localProxy: fc.boolean(),
  remote: text,
  timeoutMs: fc.nat(3_600_000),
  proxyVersion: fc.constantFrom('', 'V1', 'V2'),
})

codecSuite({ decode: decodeNpcLink, encode: encodeNpcLink, known: links, values })

test('what is missing is zero, what is unknown is passed over', () => {
  const decoded = decodeNpcLink(textBlock('{"ConnType":"tcp","Host":"80","Option":null,"Later":[{}]}'))
  expect(decoded?.value).toEqual({
    type: 'tcp',
    host: '80',
    crypt: false,
    compress: false,
    localProxy: false,
    remote: '',
    timeoutMs: 0,
    proxyVersion: '',
  })
})

describe('what is no link', () => {
  test.each([
    ['no JSON', '{', 'WIRE_SYNTAX'],
    ['a list', '[]', 'WIRE_VALUE'],
    ['an unknown kind', '{"ConnType":"sctp"}', 'WIRE_VALUE'],
    ['no kind', '{}', 'WIRE_VALUE'],
    ['a number for a text', '{"ConnType":"tcp","Host":80}', 'WIRE_VALUE'],
    ['a text for a flag', '{"ConnType":"tcp","Crypt":"1"}', 'WIRE_VALUE'],
    ['a fraction of a nanosecond', '{"ConnType":"tcp","Option":{"Timeout":0.5}}', 'WIRE_VALUE'],
    ['a negative timeout', '{"ConnType":"tcp","Option":{"Timeout":-1}}', 'WIRE_VALUE'],
    ['a list for options', '{"ConnType":"tcp","Option":[]}', 'WIRE_VALUE'],
  ])('%s', (_what, json, code) => {
    expect(codeOf(() => decodeNpcLink(textBlock(json)))).toBe(code)
  })

  test('64 KiB are enough', () => {
    expect(codeOf(() => decodeNpcLink(hex('01 00 01 00')))).toBe('WIRE_TOO_LONG')
    expect(decodeNpcLink(hex('00 00 01 00'))).toBeUndefined()
    expect(codeOf(() => decodeNpcLink(textBlock('['.repeat(65_536))))).toBe('WIRE_SYNTAX')
  })

  test('the message repeats nothing of it', () => {
    const decode = (): unknown => decodeNpcLink(textBlock('{"ConnType":"tcp","Host":{"s3cret":"s3cret"}}'))
    expect(decode).toThrow(/^Host is not a text$/)
    expect(() => decodeNpcLink(textBlock('s3cret'))).toThrow(/^a text that is not JSON$/)
  })
})
