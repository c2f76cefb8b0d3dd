import type { Decode } from '../decode.ts'
import { ChunkedRequest } from './chunked-request.ts'
import { IDENTITY_BYTES } from './identity.ts'
import type { SsKey } from './key.ts'
import type { SsHeadOptions, SsRequest } from './request.ts'
import { decodeStreamRequest } from './stream-request.ts'
import { TimedRequest } from './timed-request.ts'

/**
 * A decoder of one conn's request: give it the same bytes and more each time, it opens none of them twice. After a
 * value, or an error, it is of no more use.
 *
 * At most: SIP004 9 KiB in front of a chunk of 16 KiB, SIP022 64 KiB and 90 bytes, the others 275 bytes.
 *
 * The decoder throws WireError WIRE_SEAL (another key), WIRE_LENGTH, WIRE_VALUE, WIRE_ADDRESS_TYPE, WIRE_ADDRESS.
 * @param key the user's
 */
export function decodeSsRequest(key: SsKey, { identity = false }: SsHeadOptions = {}): Decode<SsRequest> {
  const { kind } = key.method
  if (kind === 'stream' || kind === 'none') return (bytes) => decodeStreamRequest(key, bytes)
  const request =
    kind === 'aead' ? new ChunkedRequest(key) : new TimedRequest(key, identity ? IDENTITY_BYTES : 0)
  return (bytes) => request.decode(bytes)
}
