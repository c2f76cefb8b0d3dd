import type { Address } from './address.ts'
import type { Decode } from './decode.ts'
import { decodeSocksAddress, encodeSocksAddress } from './socks-address.ts'
import { WireError } from './wire-error.ts'

/** RSV and FRAG. */
const HEAD_BYTES = 3

/** What stands before the payload of a datagram. */
export interface SocksDatagramHeader {
  /** 0: a whole datagram; else a part of one, whose order the last seven bits say. */
  readonly fragment: number
  /** To where it is to go or, in what the server sends, from where it came. */
  readonly address: Address
}

/**
 * Head of a UDP datagram between client and server, RFC 1928 §7. The payload begins at `size` and is not looked at.
 *  +-----+------+------+----------+----------+ - - - -+
 *  | RSV | FRAG | ATYP | DST.ADDR | DST.PORT |  DATA  |
 *  |  2  |  1   |  1   | variable |  2 (BE)  |        |
 *  +-----+------+------+----------+----------+ - - - -+
 * @returns undefined where the datagram ends too early, which in a datagram is an error
 * @throws WireError WIRE_VALUE (RSV is not 0), WIRE_ADDRESS_TYPE, WIRE_ADDRESS
 */
export const decodeSocksDatagram: Decode<SocksDatagramHeader> = (bytes) => {
  if ((bytes[0] ?? 0) !== 0 || (bytes[1] ?? 0) !== 0) {
    throw new WireError('WIRE_VALUE', 'the reserved bytes are not 0')
  }
  const address = decodeSocksAddress(bytes, HEAD_BYTES)
  return (
    address && {
      value: { fragment: bytes[2]!, address: address.value },
      size: HEAD_BYTES + address.size,
    }
  )
}

/** @throws WireError WIRE_VALUE when `fragment` is no byte; WIRE_ADDRESS */
export function encodeSocksDatagram({ fragment, address }: SocksDatagramHeader): Uint8Array {
  if (!Number.isInteger(fragment) || fragment < 0 || fragment > 0xff) {
    throw new WireError('WIRE_VALUE', `fragment ${fragment} is not one byte`)
  }
  const tail = encodeSocksAddress(address)
  const bytes = new Uint8Array(HEAD_BYTES + tail.length)
  bytes[2] = fragment
  bytes.set(tail, HEAD_BYTES)
  return bytes
}
