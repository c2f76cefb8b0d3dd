import { encodeRelayFrame, type RelayFrame } from '@sluice/wire/relay'

const some = (size: number): Uint8Array => new Uint8Array(size).fill(7)
const terms = { duration: 1, data: 1, rate: 1 }
const circuitId = some(16)

/** One frame of each kind, as whoever sends them would. */
const FRAMES: readonly RelayFrame[] = [
  { type: 'reserve', ttl: 0 },
  { type: 'reserveResponse', status: 0, addresses: [] },
  { type: 'connect', destination: some(32) },
  { type: 'connected', circuitId, peer: some(32), peerKey: some(32), ...terms },
  { type: 'connectRefused', status: 1, retryAfter: 0, reason: 'no', address: '' },
  { type: 'release' },
  {
    type: 'incoming',
    circuitId,
    source: some(32),
    sourceKey: some(32),
    token: some(32),
    acceptWithin: 1,
    duration: 1,
    data: 1,
  },
  { type: 'accept', circuitId, token: some(32) },
  { type: 'reject', status: 13, circuitId, reason: 'no' },
  { type: 'circuitClosed', status: 0, circuitId, up: 1, down: 1, ms: 1 },
  { type: 'ping', opaque: some(8) },
  { type: 'pong', opaque: some(8) },
  { type: 'notice', status: 1, text: 'so' },
  { type: 'goaway', status: 15, reconnectAfterMs: 1, tryForMs: 1, address: '' },
  { type: 'hello', minVersion: 1, maxVersion: 1, capabilities: 0, publicKey: some(32), nonce: some(32) },
  {
    type: 'challenge',
    version: 1,
    capabilities: 0,
    publicKey: some(32),
    nonce: some(32),
    signature: some(64),
  },
  { type: 'auth', signature: some(64) },
  {
    type: 'welcome',
    sessionId: some(16),
    pingInterval: 1,
    idleTimeout: 1,
    ...terms,
    circuits: 1,
    observed: 'a:1',
  },
  { type: 'unwelcome', status: 1, reason: 'no' },
  { type: 'reservation', expire: 1, ttl: 1, slots: 1, ...terms, voucher: new Uint8Array(0) },
]

export interface FrameSample {
  readonly name: RelayFrame['type']
  readonly bytes: Buffer
}

export const FRAME_SAMPLES: readonly FrameSample[] = FRAMES.map((frame) => ({
  name: frame.type,
  bytes: Buffer.from(encodeRelayFrame(frame)),
}))

const OWN_LAYOUT: ReadonlySet<string> = new Set(['reserve', 'reserveResponse', 'connect'])
/** The second octet of these is a status. */
const WITH_STATUS: ReadonlySet<string> = new Set([
  ...['connected', 'connectRefused', 'reject', 'circuitClosed', 'notice', 'goaway', 'welcome', 'unwelcome'],
])
/** These end in a text of any length. */
const OPEN_ENDED: ReadonlySet<string> = new Set(['reject', 'notice', 'unwelcome'])

const resized = (bytes: Buffer, by: number): Buffer => {
  const out = by < 0 ? Buffer.from(bytes.subarray(0, by)) : Buffer.concat([bytes, Buffer.alloc(by, 7)])
  out.writeUInt16BE(out.length - 4, 2)
  return out
}

const withOctet = (bytes: Buffer, at: number, value: number): Buffer => {
  const out = Buffer.from(bytes)
  out[at] = value
  return out
}

/** What is wrong in itself with one frame. @param maxBody of any frame */
const spoiltOf = ({ name, bytes }: FrameSample, maxBody: number): [string, Buffer][] => {
  if (OWN_LAYOUT.has(name)) return []
  const found: [string, Buffer][] = []
  const tooLong = Buffer.of(bytes[0]!, bytes[1]!, (maxBody + 1) >> 8, (maxBody + 1) & 255)
  found.push([`${name} of ${maxBody + 1} octets`, tooLong])
  if (!WITH_STATUS.has(name)) found.push([`${name} with flags`, withOctet(bytes, 1, 1)])
  if (!OPEN_ENDED.has(name)) found.push([`${name} with an octet more`, resized(bytes, 1)])
  const least = name === 'reject' ? -3 : -1
  const isAnyLength = name === 'notice' || name === 'unwelcome' || name === 'release'
  if (!isAnyLength) found.push([`${name} without its last octet`, resized(bytes, least)])
  return found
}

const filled = (size: number): Buffer => Buffer.alloc(size, 7)

/** Frames that are malformed wherever they come, by what is wrong. @param maxBody of any frame */
export const malformedFrames = (maxBody: number): [string, Buffer][] => [
  ...FRAME_SAMPLES.flatMap((sample) => spoiltOf(sample, maxBody)),
  ...[0, 3, 6, 7, 9, 0x0e, 0x11, 0x20, 0x3f, 0x44, 0x51, 0x7f, 0x80, 0xff].map((type): [string, Buffer] => [
    `type ${type}, which is none`,
    Buffer.of(type, 0, 0, 0),
  ]),
  ...[0, 31, 33, 255].map((size): [string, Buffer] => [
    `a CONNECT to ${size} octets`,
    Buffer.concat([Buffer.of(4, size), filled(size)]),
  ]),
  ['a CONNECT to a NodeID of zeros', Buffer.concat([Buffer.of(4, 32), Buffer.alloc(32)])],
  ['17 addresses', Buffer.of(2, 0, 0, 17)],
  ['an address without octets', Buffer.of(2, 0, 0, 1, 0, 0)],
  ['an address of 1,025 octets', Buffer.of(2, 0, 0, 1, 4, 1)],
  [
    'a reason that is no text',
    Buffer.concat([Buffer.of(0x0c, 13, 0, 18), filled(16), Buffer.of(0xc3, 0x28)]),
  ],
  [
    'a reason with a control character',
    Buffer.concat([Buffer.of(0x0c, 13, 0, 17), filled(16), Buffer.of(10)]),
  ],
  [
    'a reason of 257 octets',
    Buffer.concat([Buffer.of(0x0c, 13, 1, 17), filled(16), Buffer.alloc(257, 0x61)]),
  ],
  ['versions from 0 on', Buffer.concat([Buffer.of(0x40, 0, 0, 68, 0, 1), filled(66)])],
  ['versions backwards', Buffer.concat([Buffer.of(0x40, 0, 0, 68, 2, 1), filled(66)])],
  ['an empty token', Buffer.concat([Buffer.of(0x42, 0, 0, 67), filled(64), Buffer.of(1, 0, 0)])],
  ['a tag that is cut', Buffer.concat([Buffer.of(0x42, 0, 0, 66), filled(64), Buffer.of(9, 0)])],
]
