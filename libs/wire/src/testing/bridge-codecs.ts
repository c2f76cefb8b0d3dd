import {
  type BridgeChallenge,
  type BridgeLogin,
  type BridgeVerdict,
  decodeBridgeChallenge,
  decodeBridgeLogin,
  decodeBridgeVerdict,
  decodeStreamHeader,
  type StreamHeader,
} from '../bridge/index.ts'
import type { Decode } from '../decode.ts'
import { hex } from './hex.ts'
import { countUp } from './ss-codecs.ts'

type Known<T> = readonly (readonly [bytes: string, value: T])[]

const [key, nonce, signature] = [countUp(32, 0x20), countUp(32, 0x40), countUp(64, 0x80)]
const [KEY, NONCE, SIGNATURE] = [key, nonce, signature].map(spaced) as [string, string, string]

export const challenges: Known<BridgeChallenge> = [
  [`"sluice-nps" 01 ${NONCE}`, { version: 1, nonce }],
  [`"sluice-nps" ff ${NONCE}`, { version: 255, nonce }],
]

export const logins: Known<BridgeLogin> = [
  [`01 ${KEY} ${NONCE} 00 02 "{}" ${SIGNATURE}`, { publicKey: key, nonce, info: '{}', signature }],
  [`01 ${KEY} ${NONCE} 00 02 c3 a9 ${SIGNATURE}`, { publicKey: key, nonce, info: 'é', signature }],
]

export const verdicts: Known<BridgeVerdict> = [
  [`00 ${KEY} 00 02 "{}" ${SIGNATURE}`, { code: 0, publicKey: key, body: '{}', signature }],
  [`01 ${KEY} 00 00 ${SIGNATURE}`, { code: 1, publicKey: key, body: '', signature }],
]

export const streamHeaders: Known<StreamHeader> = [
  json({ type: 'tcp', target: '127.0.0.1:80', visitor: '192.0.2.1:5' }),
  json({ type: 'tcp', target: '80', visitor: '[::1]:5', proxy: { version: 2, to: '192.0.2.2:443' } }),
  json({ type: 'udp', target: 'example.com:53', visitor: '192.0.2.1:5' }),
  json({ type: 'packets', visitor: '192.0.2.1:5' }),
  json({ type: 'file', path: '/srv', strip: '/files', visitor: '192.0.2.1:5' }),
  json({ type: 'visit', password: '0123456789abcdef0123456789abcdef' }),
  json({ type: 'status' }),
  json({ type: 'leave' }),
]

/** Every decoder of the bridge of tunnels. */
export const bridgeCodecs: readonly {
  readonly name: string
  readonly decode: Decode<unknown>
  readonly sample: readonly Uint8Array[]
}[] = [
  { name: 'bridge challenge', decode: decodeBridgeChallenge, sample: sampleOf(challenges) },
  { name: 'bridge login', decode: decodeBridgeLogin, sample: sampleOf(logins) },
  { name: 'bridge verdict', decode: decodeBridgeVerdict, sample: sampleOf(verdicts) },
  { name: 'bridge stream header', decode: decodeStreamHeader, sample: sampleOf(streamHeaders) },
]

function sampleOf(known: Known<unknown>): Uint8Array[] {
  return known.map(([bytes]) => hex(bytes))
}

function spaced(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}

function json(header: StreamHeader): readonly [string, StreamHeader] {
  const text = JSON.stringify(header)
  return [`${spaced(Uint8Array.of(text.length >> 8, text.length))} ${spaced(Buffer.from(text))}`, header]
}
