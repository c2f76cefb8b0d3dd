/** A value and the number of bytes it took, at least 1. What follows those bytes was not looked at. */
export interface Decoded<T> {
  readonly value: T
  readonly size: number
}

/**
 * Reads one value from the start of `bytes`.
 *
 * Returns undefined while `bytes` is a proper prefix of something valid: call again with more. The value shares no
 * memory with `bytes`, so the caller may reuse its buffer at once.
 *
 * @throws WireError as soon as the bytes can no longer become valid
 */
export type Decode<T> = (bytes: Uint8Array) => Decoded<T> | undefined
