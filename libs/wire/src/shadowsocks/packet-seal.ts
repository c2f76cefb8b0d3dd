import {
  openSealed,
  plainScratch,
  type SealKey,
  sealBehind,
  sealKey,
  xchachaSealKey,
} from './datagram-seal.ts'
import type { SsBody } from './datagram-body.ts'
import { EcbCipher } from './ecb.ts'
import { IDENTITY_BYTES } from './identity.ts'
import type { SsKey } from './key.ts'
import { hasSeparateHead, PACKET_HEAD_BYTES, type SsPacket, xor } from './packet.ts'
import { bodyHeadBytes, type PacketBodyHead, readBody, writeBodyHead } from './packet-body.ts'
import { keyHash, sessionKey } from './session-key.ts'
import { XCHACHA_NONCE_BYTES } from './xchacha.ts'

/** The last 12 bytes of the head are the nonce of the body. */
const NONCE_AT = 4

/** Random bytes, as many as asked for. */
export type RandomBytes = (size: number) => Uint8Array

/** The 8 bytes of a session ID. */
export function sessionIdBytes(id: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(id)
  return bytes
}

/** Opens the bodies of one session, one way. */
export class PacketOpener {
  readonly #under: SealKey | undefined
  readonly #identityBytes: number

  /**
   * @param key the user's
   * @param identities how many identity headers stand in front
   */
  constructor(key: SsKey, sessionId: bigint, identities: number) {
    if (hasSeparateHead(key)) this.#under = sealKey(key.method, sessionKey(key, sessionIdBytes(sessionId)))
    this.#identityBytes = identities * IDENTITY_BYTES
  }

  /**
   * @returns undefined where it is not authentic
   * @throws WireError, as {@link readBody} does
   */
  open({ head, rest }: SsPacket, expected: Omit<PacketBodyHead, 'padding'>): SsBody | undefined {
    const plain = this.#under
      ? openSealed(this.#under, head.subarray(NONCE_AT), rest.subarray(this.#identityBytes))
      : rest
    return plain && readBody(plain as Buffer, expected)
  }
}

/** Whose keys stand over the packets of a session, one way. */
export interface PacketKeys {
  /** The user's. */
  readonly key: SsKey
  /** Of the servers on the way, the first one first; empty where nobody asks who the user is, as in all answers. */
  readonly serverKeys: readonly SsKey[]
}

interface Identity {
  readonly cipher: EcbCipher
  readonly next: Uint8Array
}

/** Seals the packets of one session, one way, and counts them. */
export class PacketSealer {
  readonly #key: SsKey
  readonly #under: SealKey | undefined
  readonly #headCipher: EcbCipher | undefined
  readonly #identities: readonly Identity[]
  readonly #random: RandomBytes
  /** Session ID and the ID of the next packet. */
  readonly #head: Buffer = Buffer.alloc(PACKET_HEAD_BYTES)
  #packetId = 0

  constructor({ key, serverKeys }: PacketKeys, sessionId: bigint, random: RandomBytes) {
    this.#key = key
    this.#random = random
    this.#head.writeBigUInt64BE(sessionId)
    const chain = [...serverKeys, key]
    this.#identities = serverKeys.map(({ bytes }, index) => ({
      cipher: new EcbCipher(bytes),
      next: keyHash(chain[index + 1]!),
    }))
    if (!hasSeparateHead(key)) return
    this.#under = sealKey(key.method, sessionKey(key, this.#head.subarray(0, 8)))
    this.#headCipher = this.#identities[0]?.cipher ?? new EcbCipher(key.bytes)
  }

  /**
   * @param address as {@link encodeSocksAddress} gives it
   * @throws WireError WIRE_TOO_LONG
   */
  seal(bodyHead: PacketBodyHead, address: Uint8Array, payload: Uint8Array): Uint8Array {
    this.#head.writeUInt32BE(Math.floor(this.#packetId / 0x1_0000_0000), 8)
    this.#head.writeUInt32BE(this.#packetId % 0x1_0000_0000, 12)
    const bytes = this.#under
      ? this.#sealBody(this.#under, bodyHead, address, payload)
      : this.#sealWhole(bodyHead, address, payload)
    this.#packetId++
    return bytes
  }

  #sealBody(under: SealKey, bodyHead: PacketBodyHead, address: Uint8Array, payload: Uint8Array): Uint8Array {
    const plain = compose(0, bodyHead, address, payload)
    const start = PACKET_HEAD_BYTES + this.#identities.length * IDENTITY_BYTES
    const bytes = sealBehind(start, under, this.#head.subarray(NONCE_AT), plain)
    bytes.set(this.#headCipher!.block(this.#head))
    let at = PACKET_HEAD_BYTES
    for (const { cipher, next } of this.#identities) {
      bytes.set(cipher.block(xor(Buffer.from(next), this.#head)), at)
      at += IDENTITY_BYTES
    }
    return bytes
  }

  #sealWhole(bodyHead: PacketBodyHead, address: Uint8Array, payload: Uint8Array): Uint8Array {
    const plain = compose(PACKET_HEAD_BYTES, bodyHead, address, payload)
    plain.set(this.#head)
    const nonce = this.#random(XCHACHA_NONCE_BYTES)
    const { under, nonce: short } = xchachaSealKey(this.#key.bytes, nonce)
    const bytes = sealBehind(XCHACHA_NONCE_BYTES, under, short, plain)
    bytes.set(nonce)
    return bytes
  }
}

/** The body in clear, behind `start` bytes that are left to the caller. */
function compose(start: number, head: PacketBodyHead, address: Uint8Array, payload: Uint8Array): Buffer {
  const addressAt = start + bodyHeadBytes(head)
  const plain = plainScratch(addressAt + address.length + payload.length)
  writeBodyHead(plain, start, head)
  plain.set(address, addressAt)
  plain.set(payload, addressAt + address.length)
  return plain
}
