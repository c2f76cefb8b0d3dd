/** A key pair of X25519 (RFC 7748) whose private half stays inside. */
export interface NoiseKeys {
  /** 32 octets. */
  readonly publicKey: Uint8Array
  /** The secret that it shares with `theirs`, 32 octets. May throw where that would be all zeros. */
  dh(theirs: Uint8Array): Uint8Array | Promise<Uint8Array>
}

/** What a handshake needs of its platform. */
export interface NoiseSuite {
  generateKeys(): NoiseKeys | Promise<NoiseKeys>
  /** AES-256-GCM; the tag of 16 octets stands behind. @param nonce 12 octets */
  seal(
    key: Uint8Array,
    nonce: Uint8Array,
    ad: Uint8Array,
    plain: Uint8Array,
  ): Uint8Array | Promise<Uint8Array>
  /** What `seal` made. @throws where it does not open */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    ad: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array | Promise<Uint8Array>
}
