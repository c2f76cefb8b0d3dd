const WORD = 4

/**
 * XORs `bytes` in place with `key`, repeated from its first byte. Done twice it undoes itself.
 * @param key not empty
 */
export function maskCompat(bytes: Uint8Array, key: Uint8Array): void {
  const lead = (WORD - (bytes.byteOffset % WORD)) % WORD
  if (bytes.length < lead + WORD) return maskBytes(bytes, 0, bytes.length, key)
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + lead, (bytes.length - lead) >>> 2)
  const tail = lead + words.length * WORD
  maskBytes(bytes, 0, lead, key)
  maskWords(words, wordsOf(key, lead))
  maskBytes(bytes, tail, bytes.length, key)
}

/** The repeated key from its byte `from` on, until it comes to the same place again. */
function wordsOf(key: Uint8Array, from: number): Uint32Array {
  const words = new Uint32Array(key.length)
  const bytes = new Uint8Array(words.buffer)
  for (let i = 0; i < bytes.length; i++) bytes[i] = key[(from + i) % key.length]!
  return words
}

function maskWords(words: Uint32Array, key: Uint32Array): void {
  for (let start = 0; start < words.length; start += key.length) {
    const size = Math.min(key.length, words.length - start)
    for (let i = 0; i < size; i++) words[start + i]! ^= key[i]!
  }
}

function maskBytes(bytes: Uint8Array, from: number, to: number, key: Uint8Array): void {
  for (let i = from; i < to; i++) bytes[i]! ^= key[i % key.length]!
}
