import { ChunkSealer, type SsResponse } from './chunk-sealer.ts'
import { MAX_CHUNK } from './chunk-opener.ts'
import type { Sealer } from './direction.ts'
import type { SsKey } from './key.ts'
import { createPieces } from './piece.ts'
import { sessionKey } from './session-key.ts'
import { PlainSealer, StreamSealer } from './stream-cipher.ts'

/**
 * The sealer of what a server sends, or, of methods other than 2022, a client.
 * @param salt random, `saltBytes` of them, and never the same twice
 * @param response what a response of the 2022 methods begins with
 */
export function createSealer(key: SsKey, salt: Uint8Array, response?: SsResponse): Sealer {
  const { method, bytes } = key
  if (method.kind === 'none') return new PlainSealer()
  if (method.kind === 'stream') return new StreamSealer(method, bytes, salt)
  const pieces = createPieces(method, sessionKey(key, salt))
  return new ChunkSealer(pieces, MAX_CHUNK[method.kind], { salt, response })
}
