import { type KeyObject, verify } from 'node:crypto'
import { publicKeyOf, ServiceError } from '@sluice/service'
import { formatNodeId, nodeIdOf } from '@sluice/wire/relay'

/** A peer's public key, and what follows from it. */
export class PeerKey {
  /** 32 octets, as what follows. */
  readonly publicKey: Uint8Array
  readonly nodeId: Uint8Array
  /** NodeID in Base58. */
  readonly id: string
  #key: KeyObject | undefined = undefined

  constructor(publicKey: Uint8Array) {
    this.publicKey = publicKey
    this.nodeId = nodeIdOf(publicKey)
    this.id = formatNodeId(this.nodeId)
  }

  /** @throws ServiceError AUTH_FAILED where it is no key at all */
  check(): void {
    try {
      this.#key ??= publicKeyOf(this.publicKey)
    } catch (cause) {
      throw new ServiceError('AUTH_FAILED', 'the key is none', { cause })
    }
  }

  /** Whether `signature` is that of `bytes`. @throws ServiceError AUTH_FAILED where it is no key at all */
  verifies(bytes: Uint8Array, signature: Uint8Array): boolean {
    this.check()
    return verify(null, bytes, this.#key!, signature)
  }
}

/**
 * Keys of peers that have lately proven to be who they are: a peer logs in for each of its circuits, and to make a key of
 * 32 octets costs almost as much as to sign. Those who only claim a key are not remembered, so strangers push nobody out.
 */
export class KnownKeys {
  readonly #most: number
  /** By the key's octets; the one used longest ago is first. */
  readonly #keys = new Map<string, PeerKey>()

  constructor(most = 1024) {
    this.#most = most
  }

  /** @param publicKey 32 octets */
  of(publicKey: Uint8Array): PeerKey {
    return this.#keys.get(nameOf(publicKey)) ?? new PeerKey(publicKey)
  }

  /** Its owner has just proven to be that. */
  remember(key: PeerKey): void {
    const name = nameOf(key.publicKey)
    this.#keys.delete(name)
    this.#keys.set(name, key)
    if (this.#keys.size <= this.#most) return
    const [oldest] = this.#keys.keys()
    this.#keys.delete(oldest!)
  }
}

const nameOf = ({ buffer, byteOffset, length }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, length).toString('latin1')
