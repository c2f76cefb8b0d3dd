/** One direction of a conn being decrypted. It keeps no bytes of its callers but an incomplete piece, copied. */
export interface Opener {
  /** The most bytes that `open` writes for so many bytes of input. */
  room(inputBytes: number): number
  /**
   * Decrypts what is whole and keeps the rest. Nothing that failed to authenticate is ever counted in the result.
   * @param out has {@link room}, and shares no bytes with `input`
   * @returns how many bytes it wrote to the start of `out`
   * @throws WireError WIRE_SEAL, WIRE_LENGTH, WIRE_VALUE: the conn is of no more use, and neither is the opener
   */
  open(input: Uint8Array, out: Uint8Array): number
}

/** One direction of a conn being encrypted. */
export interface Sealer {
  /** The most bytes that `seal` writes for so many bytes. */
  room(plainBytes: number): number
  /**
   * Encrypts all of `plain`; nothing comes of nothing. The first call writes what stands in front as well.
   * @param out has {@link room}, and shares no bytes with `plain`
   * @returns how many bytes it wrote to the start of `out`
   */
  seal(plain: Uint8Array, out: Uint8Array): number
}
