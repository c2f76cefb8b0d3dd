/** Who a peer is: an Ed25519 key (RFC 8032) whose private half stays inside. */
export interface PeerIdentity {
  /** 32 octets. */
  readonly publicKey: Uint8Array
  /** A signature of 64 octets. */
  sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>
}

/** Whether `signature` over `bytes` is that of `publicKey`; also false where the key is none. */
export type Verify = (
  publicKey: Uint8Array,
  bytes: Uint8Array,
  signature: Uint8Array,
) => boolean | Promise<boolean>

export const isSame = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, index) => byte === other[index])
