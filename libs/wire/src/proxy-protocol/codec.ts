import type { Decode } from '../decode.ts'
import { WireError } from '../wire-error.ts'
import type { ProxyHeader } from './header.ts'
import { decodeProxyV1, encodeProxyV1 } from './v1.ts'
import { decodeProxyV2, encodeProxyV2 } from './v2.ts'

const FIRST_OF_V1 = 0x50
const FIRST_OF_V2 = 0x0d

/**
 * A PROXY protocol header of either version, told apart by the first byte. Anyone can claim any address in it: decode it
 * only where a trusted balancer is known to send it, never to find out whether there is one (§5).
 *
 * @throws WireError WIRE_SYNTAX where it is neither, and what the two versions throw
 */
export const decodeProxyHeader: Decode<ProxyHeader> = (bytes) => {
  switch (bytes[0]) {
    case undefined:
      return undefined
    case FIRST_OF_V1:
      return decodeProxyV1(bytes)
    case FIRST_OF_V2:
      return decodeProxyV2(bytes)
    default:
      throw new WireError('WIRE_SYNTAX', 'not a PROXY header')
  }
}

/** @throws WireError WIRE_VALUE for what the version cannot say; WIRE_ADDRESS, WIRE_LENGTH, WIRE_TOO_LONG */
export function encodeProxyHeader(header: ProxyHeader): Uint8Array {
  return header.version === 1 ? encodeProxyV1(header) : encodeProxyV2(header)
}
