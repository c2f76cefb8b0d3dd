import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { challenges, logins, verdicts } from '../testing/bridge-codecs.ts'
import { codeOf } from '../testing/code-of.ts'
import { codecSuite } from '../testing/codec-suite.ts'
import { hex } from '../testing/hex.ts'
import { countUp } from '../testing/ss-codecs.ts'
import {
  BRIDGE_ALPN,
  BRIDGE_EXPORTER_LABEL,
  BRIDGE_VERDICT,
  clientTranscript,
  decodeBridgeChallenge,
  decodeBridgeLogin,
  decodeBridgeVerdict,
  encodeBridgeChallenge,
  encodeBridgeLogin,
  encodeBridgeVerdict,
  MAX_BRIDGE_JSON_BYTES,
  readBridgeInfo,
  readBridgeRefusal,
  readBridgeTerms,
  serverTranscript,
} from './index.ts'

const octets = (size: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: size, maxLength: size })
const text = fc.string({ unit: fc.constantFrom('a', '"', 'é', '€'), maxLength: 300 })

codecSuite({
  decode: decodeBridgeChallenge,
  encode: encodeBridgeChallenge,
  known: challenges,
  values: fc.record({ version: fc.integer({ min: 1, max: 255 }), nonce: octets(32) }),
})

codecSuite({
  decode: decodeBridgeLogin,
  encode: encodeBridgeLogin,
  known: logins,
  values: fc.record({ publicKey: octets(32), nonce: octets(32), info: text, signature: octets(64) }),
})

codecSuite({
  decode: decodeBridgeVerdict,
  encode: encodeBridgeVerdict,
  known: verdicts,
  values: fc.record({ code: fc.nat(255), publicKey: octets(32), body: text, signature: octets(64) }),
})

test('what both ends agree on', () => {
  expect(BRIDGE_ALPN).toBe('sluice-nps/1')
  expect(BRIDGE_EXPORTER_LABEL).toBe('EXPORTER-sluice-nps-v1')
  expect(BRIDGE_VERDICT).toEqual({ OK: 0, AUTH_FAILED: 1, NOT_NOW: 2 })
  expect(MAX_BRIDGE_JSON_BYTES).toBe(1024)
})

test.each([
  ['a challenge of HTTP', decodeBridgeChallenge, '"H"', 'WIRE_VERSION'],
  ['a challenge of version 0', decodeBridgeChallenge, '"sluice-nps" 00', 'WIRE_VERSION'],
  ['a login of HTTP', decodeBridgeLogin, '"G"', 'WIRE_VERSION'],
  ['a login of another version', decodeBridgeLogin, '02', 'WIRE_VERSION'],
  ['a login of more than 1 KiB', decodeBridgeLogin, `01 ${'00 '.repeat(64)} 04 01`, 'WIRE_TOO_LONG'],
  ['a verdict of more than 1 KiB', decodeBridgeVerdict, `01 ${'00 '.repeat(32)} 04 01`, 'WIRE_TOO_LONG'],
  [
    'control characters',
    decodeBridgeVerdict,
    `01 ${'00 '.repeat(32)} 00 01 0a ${'00 '.repeat(64)}`,
    'WIRE_SYNTAX',
  ],
])('%s is refused with its first octet that cannot be', (_what, decode, bytes, code) => {
  expect(codeOf(() => decode(hex(bytes)))).toBe(code)
})

describe('what is signed', () => {
  const [challenge, login, verdict] = [challenges[0]![1], logins[0]![1], verdicts[0]![1]]
  const keying = countUp(32, 7)

  test('is the role, all that was said so far but the signature itself, and the keying material', () => {
    expect(Buffer.from(clientTranscript(challenge, login, keying))).toEqual(
      Buffer.concat([
        Buffer.from('sluice-nps/1 client\0'),
        encodeBridgeChallenge(challenge),
        encodeBridgeLogin(login).subarray(0, -64),
        keying,
      ]),
    )
    expect(Buffer.from(serverTranscript(challenge, login, verdict, keying))).toEqual(
      Buffer.concat([
        Buffer.from('sluice-nps/1 server\0'),
        encodeBridgeChallenge(challenge),
        encodeBridgeLogin(login),
        encodeBridgeVerdict(verdict).subarray(0, -64),
        keying,
      ]),
    )
  })
})

describe('the JSON of a login and its answer', () => {
  const info = {
    role: 'serve',
    version: '1.0',
    host: 'laptop',
    os: 'linux',
    instance: '0123456789abcdef0123456789abcdef',
  }
  const terms = { client: 1, pingMs: 5000, deadMs: 15_000, maxStreams: 4096 }

  test('is read, and what is new in it is not looked at', () => {
    expect(readBridgeInfo(JSON.stringify({ ...info, more: 1 }))).toEqual(info)
    expect(readBridgeTerms(JSON.stringify({ ...terms, more: 1 }))).toEqual(terms)
    const refusal = { code: 'AUTH_FAILED', text: 'no' }
    expect(readBridgeRefusal(JSON.stringify(refusal))).toEqual(refusal)
  })

  test.each([
    ['{', 'WIRE_SYNTAX'],
    ['[]', 'WIRE_SYNTAX'],
    ['null', 'WIRE_SYNTAX'],
    ['{}', 'WIRE_VALUE'],
    [JSON.stringify({ ...info, instance: 'x' }), 'WIRE_VALUE'],
    [JSON.stringify({ ...info, host: 'a\nb' }), 'WIRE_VALUE'],
    [JSON.stringify({ ...info, host: 'a'.repeat(129) }), 'WIRE_VALUE'],
    [JSON.stringify({ ...info, host: 1 }), 'WIRE_VALUE'],
    [JSON.stringify({ ...info, role: 'root' }), 'WIRE_VALUE'],
  ])('info %s is refused', (json, code) => {
    expect(codeOf(() => readBridgeInfo(json))).toBe(code)
  })

  test.each([
    { ...terms, client: 0 },
    { ...terms, pingMs: 1.5 },
    { ...terms, maxStreams: '1' },
    { ...terms, deadMs: 99 },
  ])('terms %o are refused', (wrong) => {
    expect(codeOf(() => readBridgeTerms(JSON.stringify(wrong)))).toBe('WIRE_VALUE')
  })
})
