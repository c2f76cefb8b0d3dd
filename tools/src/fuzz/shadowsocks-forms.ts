import { encodeSocksAddress } from '@sluice/wire'
import type { SsKey } from '@sluice/wire/shadowsocks'
import { sealBehind, sealKey, xchachaSealKey } from '../../../libs/wire/src/shadowsocks/datagram-seal.ts'
import { EcbCipher } from '../../../libs/wire/src/shadowsocks/ecb.ts'
import { encodeFixedHeader, HEADER_TYPE } from '../../../libs/wire/src/shadowsocks/fixed-header.ts'
import { bodyHeadBytes, PACKET_TYPE, writeBodyHead } from '../../../libs/wire/src/shadowsocks/packet-body.ts'
import { createPieces } from '../../../libs/wire/src/shadowsocks/piece.ts'
import { sessionKey } from '../../../libs/wire/src/shadowsocks/session-key.ts'

// What stands inside a seal, and what seals anything: a damaged seal alone would never get a fuzzer past the tag.

const NONE = new Uint8Array(0)
/** When everything is sealed, in s since 1970. */
export const SECONDS = 1_700_000_000

const addresses = [
  { host: '127.0.0.1', port: 53 },
  { host: '2001:db8::1', port: 443 },
  { host: 'example.com', port: 80 },
].map(encodeSocksAddress)
const hello = Buffer.from('hello')

/** Plain datagrams: address and payload. */
export const PLAIN_DATAGRAMS: readonly Uint8Array[] = addresses.map((head) => Buffer.concat([head, hello]))

/** Plain bodies of packets from a client. */
export const PLAIN_BODIES: readonly Uint8Array[] = addresses.map((head, index) => {
  const bodyHead = { type: PACKET_TYPE.UP, seconds: SECONDS, clientId: NONE, padding: index * 3 }
  const body = Buffer.alloc(bodyHeadBytes(bodyHead))
  writeBodyHead(body, 0, bodyHead)
  return Buffer.concat([body, head, hello])
})

/** Plain variable headers of requests: address, padding, payload. */
export const PLAIN_HEADERS: readonly Uint8Array[] = addresses.map((head, index) =>
  Buffer.concat([head, Buffer.of(0, index), Buffer.alloc(index), hello]),
)

/** A packet with this head of 16 bytes, around any body. */
export function sealPacket(key: SsKey, head: Uint8Array, body: Uint8Array, nonce: Uint8Array): Uint8Array {
  if (!key.method.cipher!.startsWith('aes')) {
    const { under, nonce: short } = xchachaSealKey(key.bytes, nonce)
    const bytes = sealBehind(nonce.length, under, short, Buffer.concat([head, body]))
    bytes.set(nonce)
    return bytes
  }
  const under = sealKey(key.method, sessionKey(key, head.subarray(0, 8)))
  const bytes = sealBehind(head.length, under, head.subarray(4), body)
  bytes.set(new EcbCipher(key.bytes).block(head))
  return bytes
}

/** A request over TCP that begins with any bytes: as a variable header, or in chunks that end at `cuts`. */
export function sealRequest(
  key: SsKey,
  salt: Uint8Array,
  plain: Uint8Array,
  cuts: readonly number[],
): Uint8Array {
  const pieces = key.method.kind === '2022' ? timedPieces(plain) : chunkPieces(plain, cuts)
  const sealer = createPieces(key.method, sessionKey(key, salt))
  const sealed = pieces.map((piece) => {
    const bytes = new Uint8Array(piece.length + key.method.tagBytes)
    sealer.seal(piece, bytes, 0)
    return bytes
  })
  return Buffer.concat([salt, ...sealed])
}

const timedPieces = (plain: Uint8Array): Uint8Array[] => [
  encodeFixedHeader({
    type: HEADER_TYPE.REQUEST,
    seconds: SECONDS,
    requestSalt: NONE,
    length: plain.length,
  }),
  plain,
]

function chunkPieces(plain: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...cuts.map((cut) => Math.min(cut, plain.length)), plain.length].toSorted((a, b) => a - b)
  return ends.flatMap((end, index) => {
    const chunk = plain.subarray(ends[index - 1] ?? 0, end)
    return [Buffer.of(chunk.length >> 8, chunk.length & 0xff), chunk]
  })
}
