/** A copy of a part; not slice(), which on a Buffer would share the memory. */
export const copy = (bytes: Uint8Array, start: number, end: number): Uint8Array =>
  new Uint8Array(bytes.subarray(start, end))
