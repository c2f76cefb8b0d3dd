import * as fc from 'fast-check'
import type { Decode } from '../decode.ts'
import { encodeRelayFrame, MAX_BODY, type RelayFrame, relayFrameDecoder } from '../relay/index.ts'
import { hex } from './hex.ts'
import { countUp } from './ss-codecs.ts'

/** What a relay reads before it knows who is there, and what either side reads afterwards. */
export const decodeEarlyFrame: Decode<RelayFrame> = relayFrameDecoder(MAX_BODY.BEFORE_AUTH)
export const decodeRelayFrame: Decode<RelayFrame> = relayFrameDecoder(MAX_BODY.AFTER_AUTH)

const id = countUp(16)
const [a, b, c] = [countUp(32, 0x20), countUp(32, 0x40), countUp(32, 0x60)]
const signature = countUp(64, 0x80)
const terms = { duration: 120, data: 131_072, rate: 1_000_000 }
const [ID, A, B, C, SIGNATURE] = [id, a, b, c, signature].map(spaced) as [
  string,
  string,
  string,
  string,
  string,
]
const TERMS = '00 00 00 78  00 00 00 00 00 02 00 00  00 0f 42 40'

/** Each kind of frame, in each of its forms. */
export const knownFrames: readonly (readonly [bytes: string, frame: RelayFrame])[] = [
  ['01 00 00 00', { type: 'reserve', ttl: 0 }],
  ['01 01 51 80', { type: 'reserve', ttl: 86_400 }],
  ['02 00 00 00', { type: 'reserveResponse', status: 0, addresses: [] }],
  ['02 00 00 02 00 01 "a" 00 02 c3 a9', { type: 'reserveResponse', status: 0, addresses: ['a', 'é'] }],
  ['02 03 00 00', { type: 'reserveResponse', status: 3, addresses: [] }],
  [`04 20 ${A}`, { type: 'connect', destination: a }],
  [
    `05 00 00 60 ${ID} ${A} ${B} ${TERMS}`,
    { type: 'connected', circuitId: id, peer: a, peerKey: b, ...terms },
  ],
  ['05 02 00 04 00 00 00 00', refused(2, 0, '', '')],
  ['05 03 00 0b 00 0a 00 07 "pending"', refused(3, 10, 'pending', '')],
  ['05 11 00 13 00 00 00 00 00 0d "tls://b.ex:99"', refused(17, 0, '', 'tls://b.ex:99')],
  ['08 00 00 00', { type: 'release' }],
  [
    `0a 00 00 7e ${ID} ${A} ${B} ${C} 00 0a 00 00 00 78 00 00 00 00 00 02 00 00`,
    {
      type: 'incoming',
      circuitId: id,
      source: a,
      sourceKey: b,
      token: c,
      acceptWithin: 10,
      duration: 120,
      data: 131_072,
    },
  ],
  [`0b 00 00 30 ${ID} ${C}`, { type: 'accept', circuitId: id, token: c }],
  [`0c 0d 00 10 ${ID}`, { type: 'reject', status: 13, circuitId: id, reason: '' }],
  [`0c 0d 00 14 ${ID} "busy"`, { type: 'reject', status: 13, circuitId: id, reason: 'busy' }],
  [
    `0d 21 00 24 ${ID} 00 1f ff ff ff ff ff ff 00 00 00 01 00 00 00 00 00 00 05 dc`,
    { type: 'circuitClosed', status: 33, circuitId: id, up: 2 ** 53 - 1, down: 2 ** 32, ms: 1500 },
  ],
  ['12 00 00 08 00 01 02 03 04 05 06 07', { type: 'ping', opaque: countUp(8) }],
  ['13 00 00 08 00 01 02 03 04 05 06 07', { type: 'pong', opaque: countUp(8) }],
  ['14 0e 00 04 "slow"', { type: 'notice', status: 14, text: 'slow' }],
  ['14 25 00 00', { type: 'notice', status: 37, text: '' }],
  [
    '15 10 00 08 00 00 00 00 00 00 00 00',
    { type: 'goaway', status: 16, reconnectAfterMs: 0, tryForMs: 0, address: '' },
  ],
  [
    '15 0f 00 17 00 00 03 e8 00 00 75 30 00 0d "tls://b.ex:99"',
    { type: 'goaway', status: 15, reconnectAfterMs: 1000, tryForMs: 30_000, address: 'tls://b.ex:99' },
  ],
  [
    `40 00 00 44 01 02 00 03 ${A} ${B}`,
    { type: 'hello', minVersion: 1, maxVersion: 2, capabilities: 3, publicKey: a, nonce: b },
  ],
  [
    `41 00 00 84 01 00 00 03 ${A} ${B} ${SIGNATURE}`,
    { type: 'challenge', version: 1, capabilities: 3, publicKey: a, nonce: b, signature },
  ],
  [`42 00 00 40 ${SIGNATURE}`, { type: 'auth', signature }],
  [`42 00 00 48 ${SIGNATURE} 01 00 05 "token"`, { type: 'auth', signature, token: hex('"token"') }],
  [
    `43 00 00 35 ${ID} 00 1e 00 78 ${TERMS} 00 04 00 0d "192.0.2.7:999"`,
    {
      type: 'welcome',
      sessionId: id,
      pingInterval: 30,
      idleTimeout: 120,
      ...terms,
      circuits: 4,
      observed: '192.0.2.7:999',
    },
  ],
  ['43 0b 00 03 "who"', { type: 'unwelcome', status: 11, reason: 'who' }],
  [
    `50 00 00 23 00 00 00 00 65 53 f1 00 00 00 0e 10 00 04 ${TERMS} 00 03 01 02 03`,
    { type: 'reservation', expire: 1_700_000_000, ttl: 3600, slots: 4, ...terms, voucher: countUp(3, 1) },
  ],
]

/** A few more that only a decoder sees. */
export const moreFrames: readonly string[] = [
  `42 00 00 4d ${SIGNATURE} 07 00 02 aa bb 01 00 05 "token"`,
  `02 00 00 02 03 e8 "${'a'.repeat(1000)}" 00 01 "b"`,
]

function refused(status: number, retryAfter: number, reason: string, address: string): RelayFrame {
  return { type: 'connectRefused', status, retryAfter, reason, address }
}

function spaced(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}

const octets = (size: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: size, maxLength: size })
const [u16, u32, u64] = [0xffff, 0xffff_ffff, Number.MAX_SAFE_INTEGER].map((max) => fc.nat({ max })) as [
  fc.Arbitrary<number>,
  fc.Arbitrary<number>,
  fc.Arbitrary<number>,
]
const octet = fc.nat({ max: 255 })
const failure = fc.integer({ min: 1, max: 255 })
const nodeId = octets(32).filter((bytes) => bytes.some((byte) => byte > 0))
/** Four octets a character at most, and none of them a control character. */
const text = (bytes: number): fc.Arbitrary<string> =>
  fc.string({ unit: 'grapheme', maxLength: bytes / 4, size: 'max' }).filter((any) => fits(any, bytes))
const fits = (any: string, bytes: number): boolean =>
  !/\p{Cc}/u.test(any) && new TextEncoder().encode(any).length <= bytes
const address = fc.oneof(
  fc.constant(''),
  text(200).filter((any) => any !== ''),
)
const circuitTerms = { duration: u32, data: u64, rate: u32 }
const kind = <K extends string>(name: K): fc.Arbitrary<K> => fc.constant(name)

/** Any frame that can be encoded. */
export const frames: fc.Arbitrary<RelayFrame> = fc.oneof(
  fc.record({ type: kind('reserve'), ttl: fc.nat({ max: 0xff_ffff }) }),
  fc.record({
    type: kind('reserveResponse'),
    status: octet,
    addresses: fc.array(
      text(200).filter((any) => any !== ''),
      { maxLength: 16 },
    ),
  }),
  fc.record({ type: kind('connect'), destination: nodeId }),
  fc.record({
    type: kind('connected'),
    circuitId: octets(16),
    peer: nodeId,
    peerKey: octets(32),
    ...circuitTerms,
  }),
  fc.record({ type: kind('connectRefused'), status: failure, retryAfter: u16, reason: text(256), address }),
  fc.record({ type: kind('release') }),
  fc.record({
    type: kind('incoming'),
    circuitId: octets(16),
    source: nodeId,
    sourceKey: octets(32),
    token: octets(32),
    acceptWithin: u16,
    duration: u32,
    data: u64,
  }),
  fc.record({ type: kind('accept'), circuitId: octets(16), token: octets(32) }),
  fc.record({ type: kind('reject'), status: octet, circuitId: octets(16), reason: text(256) }),
  fc.record({
    type: kind('circuitClosed'),
    status: octet,
    circuitId: octets(16),
    up: u64,
    down: u64,
    ms: u32,
  }),
  fc.record({ type: kind('ping'), opaque: octets(8) }),
  fc.record({ type: kind('pong'), opaque: octets(8) }),
  fc.record({ type: kind('notice'), status: octet, text: text(256) }),
  fc.record({ type: kind('goaway'), status: octet, reconnectAfterMs: u32, tryForMs: u32, address }),
  fc
    .record({
      type: kind('hello'),
      minVersion: fc.integer({ min: 1, max: 255 }),
      more: octet,
      capabilities: u16,
      publicKey: octets(32),
      nonce: octets(32),
    })
    .map(({ more, ...hello }) => ({ ...hello, maxVersion: Math.min(255, hello.minVersion + more) })),
  fc.record({
    type: kind('challenge'),
    version: fc.integer({ min: 1, max: 255 }),
    capabilities: u16,
    publicKey: octets(32),
    nonce: octets(32),
    signature: octets(64),
  }),
  fc.record(
    { type: kind('auth'), signature: octets(64), token: fc.uint8Array({ minLength: 1, maxLength: 256 }) },
    { requiredKeys: ['type', 'signature'] },
  ),
  fc.record({
    type: kind('welcome'),
    sessionId: octets(16),
    pingInterval: u16,
    idleTimeout: u16,
    ...circuitTerms,
    circuits: u16,
    observed: text(256),
  }),
  fc.record({ type: kind('unwelcome'), status: failure, reason: text(256) }),
  fc.record({
    type: kind('reservation'),
    expire: u64,
    ttl: u32,
    slots: u16,
    ...circuitTerms,
    voucher: fc.uint8Array({ maxLength: 200 }),
  }),
)

/** Where a fuzzer starts from. */
export const frameSamples: readonly Uint8Array[] = [
  ...knownFrames.map(([, frame]) => encodeRelayFrame(frame)),
  ...moreFrames.map(hex),
]
export const earlySamples: readonly Uint8Array[] = frameSamples.filter(({ length }) => length <= 516)
