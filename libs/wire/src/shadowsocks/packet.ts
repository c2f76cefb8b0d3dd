import { openSealed, xchachaSealKey } from './datagram-seal.ts'
import { EcbDecipher } from './ecb.ts'
import { IDENTITY_BYTES } from './identity.ts'
import type { SsKey } from './key.ts'
import { XCHACHA_NONCE_BYTES } from './xchacha.ts'

/** Session ID and packet ID. */
export const PACKET_HEAD_BYTES = 16

/** A packet ID is a safe number: nobody sends as many packets, and noise seldom gets past here. */
const MAX_HIGH_WORD = 0x1f_ffff

/** A packet of the 2022 methods whose head was read. Nothing says yet that it is authentic, but for chacha20. */
export interface SsPacket {
  readonly sessionId: bigint
  readonly packetId: number
  /** Both IDs, in clear. */
  readonly head: Uint8Array
  /** All behind the head: sealed by the session's key, or for chacha20, in clear. */
  readonly rest: Uint8Array
}

/**
 * Reads the heads of the packets that come to one key (SIP022 §3.2.3, §3.2.4).
 *
 * AES, the head sealed as one block, identity headers only where the server has users (SIP023 §2.3):
 *  +------------+-----------+----------------+-------------+-----+
 *  | SESSION ID | PACKET ID | IDENTITY x 0.. | sealed BODY | TAG |
 *  |   8 (BE)   |  8 (BE)   |  16 each       |  variable   | 16  |
 *  +------------+-----------+----------------+-------------+-----+
 * chacha20:
 *  +-------+--------------------------------------+-----+
 *  | NONCE | sealed: SESSION ID | PACKET ID, BODY | TAG |
 *  |  24   |           8 (BE)   |  8 (BE)  | ...  | 16  |
 *  +-------+--------------------------------------+-----+
 */
export class PacketReader {
  readonly #key: SsKey
  readonly #ecb: EcbDecipher | undefined

  /** @param key the server's; in what a server sends, the user's */
  constructor(key: SsKey) {
    this.#key = key
    if (hasSeparateHead(key)) this.#ecb = new EcbDecipher(key.bytes)
  }

  /** @returns undefined for what is no packet, or with chacha20, was not sealed with this key */
  read(bytes: Uint8Array): SsPacket | undefined {
    if (this.#ecb === undefined) return readSealed(this.#key, bytes)
    if (bytes.length <= PACKET_HEAD_BYTES) return undefined
    return packetOf(this.#ecb.block(bytes.subarray(0, PACKET_HEAD_BYTES)), bytes.subarray(PACKET_HEAD_BYTES))
  }

  /**
   * What the identity header says: {@link keyHash} of the user's key.
   * @returns undefined where there is none, as with chacha20
   */
  identity({ head, rest }: SsPacket): Uint8Array | undefined {
    if (this.#ecb === undefined || rest.length < IDENTITY_BYTES) return undefined
    const hash = this.#ecb.block(rest.subarray(0, IDENTITY_BYTES))
    return xor(hash, head)
  }
}

/** Whether session and packet ID stand before what is sealed with the session's key. */
export const hasSeparateHead = ({ method }: SsKey): boolean => method.cipher!.startsWith('aes')

/** Puts `mask` over `block`, in place. */
export function xor(block: Uint8Array, mask: Uint8Array): Uint8Array {
  for (let index = 0; index < block.length; index++) block[index]! ^= mask[index]!
  return block
}

function readSealed(key: SsKey, bytes: Uint8Array): SsPacket | undefined {
  if (bytes.length < XCHACHA_NONCE_BYTES + PACKET_HEAD_BYTES) return undefined
  const { under, nonce } = xchachaSealKey(key.bytes, bytes.subarray(0, XCHACHA_NONCE_BYTES))
  const plain = openSealed(under, nonce, bytes.subarray(XCHACHA_NONCE_BYTES))
  if (plain === undefined || plain.length < PACKET_HEAD_BYTES) return undefined
  return packetOf(plain.subarray(0, PACKET_HEAD_BYTES), plain.subarray(PACKET_HEAD_BYTES))
}

function packetOf(head: Buffer, rest: Uint8Array): SsPacket | undefined {
  const high = head.readUInt32BE(8)
  if (high > MAX_HIGH_WORD) return undefined
  const packetId = high * 0x1_0000_0000 + head.readUInt32BE(12)
  return { sessionId: head.readBigUInt64BE(0), packetId, head, rest }
}
