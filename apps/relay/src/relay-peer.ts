/** Who is at the other end of a conn, and has proven it. */
export interface RelayPeer {
  /** NodeID in Base58. */
  readonly id: string
  readonly nodeId: Uint8Array
  /** Ed25519. */
  readonly publicKey: Uint8Array
  /** Where from. */
  readonly ip: string
}
