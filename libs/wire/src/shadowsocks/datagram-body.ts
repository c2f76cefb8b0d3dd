import type { Address } from '../address.ts'
import { decodeSocksAddress } from '../socks-address.ts'
import { WireError } from '../wire-error.ts'

/** What a datagram was opened to. */
export interface SsBody {
  /** To where it is to go or, in what the server sends, from where it came. */
  readonly address: Address
  /** Part of the opened bytes: of the method `none`, of the datagram itself. */
  readonly payload: Uint8Array
}

/**
 * Address, then payload, from `start` on.
 * @throws WireError WIRE_LENGTH where the bytes end before the address does; WIRE_ADDRESS_TYPE, WIRE_ADDRESS
 */
export function bodyOf(plain: Uint8Array, start: number): SsBody {
  const decoded = decodeSocksAddress(plain, start)
  if (decoded === undefined) throw new WireError('WIRE_LENGTH', 'the datagram ends within its address')
  return { address: decoded.value, payload: plain.subarray(start + decoded.size) }
}
