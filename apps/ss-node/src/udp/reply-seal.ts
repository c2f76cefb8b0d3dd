import { type SsKey, type SsPacketSession, sealDatagram } from '@sluice/wire/shadowsocks'
import type { UdpParts } from './udp-parts.ts'

/** In what the answers to one client are wrapped. */
export interface ReplySeal {
  /** What it adds to the address and the payload. */
  readonly bytes: number
  seal(address: Uint8Array, payload: Uint8Array): Uint8Array
}

/** Of all methods but those of 2022. Our salts are remembered, so that nobody can send us our own answers. */
export class SaltedSeal implements ReplySeal {
  readonly #key: SsKey
  readonly #parts: Pick<UdpParts, 'salts' | 'random'>

  constructor(key: SsKey, parts: Pick<UdpParts, 'salts' | 'random'>) {
    this.#key = key
    this.#parts = parts
  }

  get bytes(): number {
    const { saltBytes, tagBytes } = this.#key.method
    return saltBytes + tagBytes
  }

  seal(address: Uint8Array, payload: Uint8Array): Uint8Array {
    const salt = this.#parts.random(this.#key.method.saltBytes)
    if (salt.length > 0) this.#parts.salts.add(salt)
    return sealDatagram(this.#key, salt, address, payload)
  }
}

/** Both IDs; type, time, ID of the client's session and length of the padding; tag. */
const PACKET_BYTES = 16 + 19 + 16
const LONG_NONCE_BYTES = 24

/** Of the 2022 methods. */
export class PacketSeal implements ReplySeal {
  readonly bytes: number
  readonly #session: SsPacketSession
  readonly #wallNow: () => number

  constructor({ method }: SsKey, session: SsPacketSession, wallNow: () => number) {
    this.bytes = PACKET_BYTES + (method.cipher?.startsWith('aes') ? 0 : LONG_NONCE_BYTES)
    this.#session = session
    this.#wallNow = wallNow
  }

  seal(address: Uint8Array, payload: Uint8Array): Uint8Array {
    return this.#session.seal(address, payload, secondsAt(this.#wallNow()))
  }
}

/** Whole seconds, as packets have them. */
export const secondsAt = (wallMs: number): number => Math.floor(wallMs / 1000)
