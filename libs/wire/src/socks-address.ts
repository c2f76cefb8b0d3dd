import { type Address, parseHost } from './address.ts'
import type { Decoded } from './decode.ts'
import { formatIp, parseIp } from './ip.ts'
import { decodeLatin1, encodeLatin1 } from './latin1.ts'
import { WireError } from './wire-error.ts'

const IPV4 = 1
const NAME = 3
const IPV6 = 4

/** @internal Any byte that can stand in a name or an IP literal, checked before the whole name is there. */
export const HOST_SO_FAR: RegExp = /^[!$&'()*+,\-.0-9:;=A-Z_a-z~]*$/

/**
 * Address and port as in RFC 1928 §5; Shadowsocks uses the same bytes.
 *
 *  +------+------------------------------+-----------+
 *  | ATYP | 1: 4 bytes, 4: 16 bytes,     | PORT      |
 *  |  1   | 3: length byte, then a name  | 2 (BE)    |
 *  +------+------------------------------+-----------+
 *
 * An IP literal sent as a name (type 3) becomes that address. Names hold only what {@link parseHost} allows.
 *
 * @param start where the address begins; `size` counts from there
 * @returns undefined while the address is incomplete
 * @throws WireError WIRE_ADDRESS_TYPE, WIRE_ADDRESS
 */
export function decodeSocksAddress(bytes: Uint8Array, start = 0): Decoded<Address> | undefined {
  switch (bytes[start]) {
    case undefined:
      return undefined
    case IPV4:
      return decodeIp(bytes, start, 4)
    case IPV6:
      return decodeIp(bytes, start, 16)
    case NAME:
      return decodeName(bytes, start)
    default:
      throw new WireError('WIRE_ADDRESS_TYPE', `address type ${bytes[start]} is not 1, 3 or 4`)
  }
}

/** @throws WireError WIRE_ADDRESS when the host or the port cannot be one */
export function encodeSocksAddress({ host, port }: Address): Uint8Array {
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
    throw new WireError('WIRE_ADDRESS', `port ${port} is not from 0 to 65535`)
  }
  const ip = parseIp(host)
  const body = ip ?? encodeLatin1(parseHost(host))
  const head = ip === undefined ? 2 : 1
  const bytes = new Uint8Array(head + body.length + 2)
  bytes[0] = ip === undefined ? NAME : ip.length === 4 ? IPV4 : IPV6
  if (ip === undefined) bytes[1] = body.length
  bytes.set(body, head)
  bytes[bytes.length - 2] = port >> 8
  bytes[bytes.length - 1] = port & 0xff
  return bytes
}

function decodeIp(bytes: Uint8Array, start: number, length: number): Decoded<Address> | undefined {
  const end = start + 1 + length
  if (bytes.length < end + 2) return undefined
  return {
    value: { host: formatIp(bytes.subarray(start + 1, end)), port: readPort(bytes, end) },
    size: length + 3,
  }
}

function decodeName(bytes: Uint8Array, start: number): Decoded<Address> | undefined {
  const length = bytes[start + 1]
  if (length === undefined) return undefined
  const end = start + 2 + length
  const text = decodeLatin1(bytes, start + 2, Math.min(end, bytes.length))
  if (text.length < length) {
    if (!HOST_SO_FAR.test(text))
      throw new WireError('WIRE_ADDRESS', 'the name holds a byte that no name may hold')
    return undefined
  }
  const host = parseHost(text)
  if (bytes.length < end + 2) return undefined
  return { value: { host, port: readPort(bytes, end) }, size: length + 4 }
}

/** @internal */
export function readPort(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}
