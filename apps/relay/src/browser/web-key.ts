/** CryptoKey and CryptoKeyPair, which only the types of browsers know by their names. */
export type WebKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>

export interface WebKeyPair {
  readonly publicKey: WebKey
  readonly privateKey: WebKey
}
