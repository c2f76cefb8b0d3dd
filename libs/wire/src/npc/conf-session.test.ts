import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codecSuite } from '../testing/codec-suite.ts'
import { codeOf } from '../testing/code-of.ts'
import { hex, utf8 } from '../testing/hex.ts'
import {
  booleans,
  confRequests,
  exampleClient,
  exampleHost,
  exampleTunnel,
  KEY_MD5,
  keys,
  statuses,
  strangeClient,
} from '../testing/npc-vectors.ts'
import { joined, textBlock } from './block.ts'
import {
  decodeNpcBoolean,
  decodeNpcConfRequest,
  decodeNpcKey,
  decodeNpcStatus,
  encodeNpcBoolean,
  encodeNpcConfRequest,
  encodeNpcKey,
  encodeNpcStatus,
  type NpcConfRequest,
} from './conf-session.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const whole = fc.maxSafeInteger()
const flow = fc.record({ ExportFlow: whole, InletFlow: whole, FlowLimit: whole })
const target = fc.record({ TargetStr: text, TargetArr: fc.array(text), LocalProxy: fc.boolean() })
const client = fc.record({ Id: fc.nat() })
const accounts = fc
  .dictionary(text, text)
  .map((passwords) => ({ AccountMap: new Map(Object.entries(passwords)) }))
const requests: fc.Arbitrary<NpcConfRequest> = fc.oneof(
  fc.constant<NpcConfRequest>({ type: 'status', keyMd5: KEY_MD5 }),
  fc
    .record({ Remark: text, VerifyKey: text, Flow: flow, RateLimit: whole, BlackIpList: fc.array(text) })
    .map((some) => ({ type: 'client' as const, client: { ...exampleClient, ...some } })),
  fc
    .record({ Host: text, Remark: text, IsClose: fc.boolean(), Flow: flow, Client: client, Target: target })
    .map((some) => ({ type: 'host' as const, host: { ...exampleHost, ...some } })),
  fc
    .record({ Ports: text, Mode: text, Target: target, Flow: flow, MultiAccount: accounts })
    .map((some) => ({ type: 'task' as const, tunnel: { ...exampleTunnel, ...some } })),
)
const name = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !text.includes('*'))

codecSuite({
  decode: decodeNpcConfRequest,
  encode: encodeNpcConfRequest,
  known: confRequests,
  values: requests,
})
codecSuite({ decode: decodeNpcBoolean, encode: encodeNpcBoolean, known: booleans, values: fc.boolean() })
codecSuite({
  decode: decodeNpcKey,
  encode: encodeNpcKey,
  known: keys,
  values: fc.stringMatching(/^[!-~]{16}$/),
})
codecSuite({ decode: decodeNpcStatus, encode: encodeNpcStatus, known: statuses, values: fc.array(name) })

describe('what is none of it', () => {
  const request = (tag: string, json: string): Uint8Array => joined(utf8(tag), textBlock(json))

  test.each([
    ['another request', () => decodeNpcConfRequest(hex('"hosx"')), 'WIRE_VALUE'],
    ['more than 64 KiB', () => decodeNpcConfRequest(hex('"task" 01 00 01 00')), 'WIRE_TOO_LONG'],
    ['no JSON', () => decodeNpcConfRequest(request('host', 'null,')), 'WIRE_SYNTAX'],
    [
      'a wrong kind of value',
      () => decodeNpcConfRequest(request('host', '{"Target":{"TargetArr":[1]}}')),
      'WIRE_VALUE',
    ],
    [
      'a number that is too large',
      () => decodeNpcConfRequest(request('conf', '{"RateLimit":9007199254740992}')),
      'WIRE_VALUE',
    ],
    [
      'a password that is no text',
      () => decodeNpcConfRequest(request('task', '{"MultiAccount":{"AccountMap":{"a":1}}}')),
      'WIRE_VALUE',
    ],
    ['a boolean of 2', () => decodeNpcBoolean(hex('02')), 'WIRE_VALUE'],
    ['a key with a blank', () => decodeNpcKey(hex('20')), 'WIRE_SYNTAX'],
    ['a key of 15 characters', () => encodeNpcKey('a'.repeat(15)), 'WIRE_LENGTH'],
    ['a status of more than 64 KiB', () => decodeNpcStatus(hex('01 00 01 00')), 'WIRE_TOO_LONG'],
  ])('%s', (_what, decode, code) => {
    expect(codeOf(decode)).toBe(code)
  })

  test('a message says where, and never what', () => {
    const bytes = request('task', '{"MultiAccount":{"AccountMap":{"ada":{"s3cret":1}}}}')
    expect(() => decodeNpcConfRequest(bytes)).toThrow(/^MultiAccount\.AccountMap\{\} is not a text$/)
  })
})

test('what is missing or null is zero, what only tells of a running server is passed over', () => {
  expect(decodeNpcConfRequest(hex(strangeClient))?.value).toEqual({
    type: 'client',
    client: {
      ...exampleClient,
      Cnf: { U: '', P: '', Compress: false, Crypt: false },
      VerifyKey: 'k',
      Remark: '',
      Status: false,
      Flow: { ExportFlow: 0, InletFlow: 0, FlowLimit: 0 },
      NoStore: false,
      NoDisplay: false,
      MaxConn: 0,
    },
  })
})

test('keys of an object itself are no fields', () => {
  const bytes = joined(
    utf8('task'),
    textBlock('{"__proto__":{"Port":7},"MultiAccount":{"AccountMap":{"__proto__":"p"}}}'),
  )
  const { value } = decodeNpcConfRequest(bytes)!
  if (value.type !== 'task') throw new Error('another request')
  expect([value.tunnel.Port, value.tunnel.MultiAccount.AccountMap]).toEqual([
    0,
    new Map([['__proto__', 'p']]),
  ])
})

test('names that are only joined, not ended', () => {
  expect(decodeNpcStatus(joined(textBlock('a*#*b')))?.value).toEqual(['a', 'b'])
})
