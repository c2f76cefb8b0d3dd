import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import {
  type Challenge,
  clientProof,
  encodeVoucher,
  formatCircuitAddress,
  type Hello,
  NO_BINDING,
  nodeIdOf,
  type RelayFrame,
  relayProof,
  voucherProof,
} from '../relay/index.ts'
import { hex } from './hex.ts'
import { countUp } from './ss-codecs.ts'

/** An Ed25519 identity of a fixed seed. */
export interface ExampleKey {
  readonly key: KeyObject
  /** 32 octets. */
  readonly publicKey: Uint8Array
  readonly nodeId: Uint8Array
}

/** The 32 octets of a private key stand last in its PKCS #8, those of a public one in its SPKI (RFC 8410). */
const PKCS8 = hex('30 2e 02 01 00 30 05 06 03 2b 65 70 04 22 04 20')

const exampleKey = (first: number): ExampleKey => {
  const der = Buffer.concat([PKCS8, countUp(32, first)])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  const publicKey = new Uint8Array(spki.subarray(-32))
  return { key, publicKey, nodeId: nodeIdOf(publicKey) }
}

/** Their seeds are 00 to 1f, 20 to 3f and 40 to 5f. */
export const RELAY: ExampleKey = exampleKey(0x00)
export const SOURCE: ExampleKey = exampleKey(0x20)
export const DESTINATION: ExampleKey = exampleKey(0x40)

const hello: Hello = {
  type: 'hello',
  minVersion: 1,
  maxVersion: 1,
  capabilities: 0x0001,
  publicKey: DESTINATION.publicKey,
  nonce: countUp(32, 0xa0),
}
const signed = (bytes: Uint8Array, { key }: ExampleKey): Uint8Array => new Uint8Array(sign(null, bytes, key))

const unsigned: Challenge = {
  type: 'challenge',
  version: 1,
  capabilities: 0x0001,
  publicKey: RELAY.publicKey,
  nonce: countUp(32, 0xc0),
  signature: new Uint8Array(64),
}
/** What is signed, with nothing to bind to below. */
export const RELAY_PROOF: Uint8Array = relayProof(hello, unsigned, NO_BINDING)
const challenge: Challenge = { ...unsigned, signature: signed(RELAY_PROOF, RELAY) }
export const CLIENT_PROOF: Uint8Array = clientProof(hello, challenge, NO_BINDING)

const terms = { duration: 120, data: 0, rate: 1_000_000 }
const circuitId = countUp(16, 0x10)
const token = countUp(32, 0x80)
const opaque = countUp(8)
const place = { transport: 'tls', address: { host: 'relay.example', port: 4001 } } as const
const address = formatCircuitAddress({ ...place, relay: RELAY.nodeId, peer: DESTINATION.nodeId })
const body = { relay: RELAY.nodeId, peer: DESTINATION.nodeId, expire: 1_800_003_600 }
export const VOUCHER_PROOF: Uint8Array = voucherProof(body)

/** The frames of the document, by the names of its examples. */
export const exampleFrames: Readonly<Record<string, RelayFrame>> = {
  HELLO: hello,
  CHALLENGE: challenge,
  AUTH: { type: 'auth', signature: signed(CLIENT_PROOF, DESTINATION) },
  'AUTH-TOKEN': { type: 'auth', signature: signed(CLIENT_PROOF, DESTINATION), token: hex('"secret"') },
  WELCOME: {
    type: 'welcome',
    sessionId: countUp(16, 0xf0),
    pingInterval: 30,
    idleTimeout: 120,
    ...terms,
    circuits: 4,
    observed: '192.0.2.7:51423',
  },
  'WELCOME-NO': { type: 'unwelcome', status: 1, reason: 'not invited' },
  RESERVE: { type: 'reserve', ttl: 0 },
  'RESERVE-TTL': { type: 'reserve', ttl: 600 },
  RESERVE_RESPONSE: { type: 'reserveResponse', status: 0, addresses: [address] },
  'RESERVE_RESPONSE-NO': { type: 'reserveResponse', status: 3, addresses: [] },
  RESERVATION: {
    type: 'reservation',
    expire: body.expire,
    ttl: 3600,
    slots: 4,
    ...terms,
    voucher: encodeVoucher({ ...body, signature: signed(VOUCHER_PROOF, RELAY) }),
  },
  RELEASE: { type: 'release' },
  PING: { type: 'ping', opaque },
  PONG: { type: 'pong', opaque },
  NOTICE: { type: 'notice', status: 3, text: 'reservations-ip' },
  GOAWAY: {
    type: 'goaway',
    status: 15,
    reconnectAfterMs: 1000,
    tryForMs: 120_000,
    address: 'tls://b.example:4001',
  },
  'GOAWAY-REPLACED': { type: 'goaway', status: 16, reconnectAfterMs: 0, tryForMs: 0, address: '' },
  CONNECT: { type: 'connect', destination: DESTINATION.nodeId },
  INCOMING: {
    type: 'incoming',
    circuitId,
    source: SOURCE.nodeId,
    sourceKey: SOURCE.publicKey,
    token,
    acceptWithin: 10,
    duration: 120,
    data: 0,
  },
  ACCEPT: { type: 'accept', circuitId, token },
  REJECT: { type: 'reject', status: 13, circuitId, reason: 'busy' },
  CONNECT_RESPONSE: {
    type: 'connected',
    circuitId,
    peer: DESTINATION.nodeId,
    peerKey: DESTINATION.publicKey,
    ...terms,
  },
  'CONNECT_RESPONSE-START': {
    type: 'connected',
    circuitId,
    peer: SOURCE.nodeId,
    peerKey: SOURCE.publicKey,
    ...terms,
  },
  'CONNECT_RESPONSE-NO': {
    type: 'connectRefused',
    status: 3,
    retryAfter: 10,
    reason: 'pending',
    address: '',
  },
  'CONNECT_RESPONSE-REDIRECT': {
    type: 'connectRefused',
    status: 17,
    retryAfter: 0,
    reason: '',
    address: 'tls://b.example:4001',
  },
  CIRCUIT_CLOSED: { type: 'circuitClosed', status: 32, circuitId, up: 4096, down: 1_048_576, ms: 120_000 },
}
