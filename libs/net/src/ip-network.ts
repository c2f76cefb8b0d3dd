import { parseIp } from '@sluice/wire'

/** All addresses whose first `bits` are those of `bytes`: 4 bytes for IPv4, 16 for IPv6. */
export interface IpNetwork {
  readonly bytes: Uint8Array
  readonly bits: number
}

/** Where IPv4 is mapped into IPv6, RFC 4291 §2.5.5.2. */
const MAPPED: IpNetwork = { bytes: parseIp('::ffff:0:0')!, bits: 96 }

/** Whether the bytes of an address are in a network of its family. */
export const contains = ({ bytes, bits }: IpNetwork, ip: Uint8Array): boolean => {
  if (ip.length !== bytes.length) return false
  const whole = bits >> 3
  for (let i = 0; i < whole; i++) if (ip[i] !== bytes[i]) return false
  const rest = bits & 7
  return rest === 0 || (ip[whole]! ^ bytes[whole]!) >> (8 - rest) === 0
}

/** The bytes of an address text without its zone. `::ffff:192.0.2.1` is IPv4, as the system connects to it. */
export const plainIp = (text: string): Uint8Array | undefined => {
  const bytes = parseIp(text.split('%', 1)[0]!)
  return bytes !== undefined && contains(MAPPED, bytes) ? bytes.subarray(12) : bytes
}

/**
 * Reads `address/prefix`; a bare address is a network of one.
 * @throws RangeError
 */
export const parseNetwork = (cidr: string): IpNetwork => {
  const [, host = '', prefix] = /^([\da-f:.]+)(?:\/(\d{1,3}))?$/i.exec(cidr) ?? []
  const bytes = parseIp(host)
  const most = (bytes?.length ?? 0) * 8
  const bits = Number(prefix ?? most)
  if (bytes === undefined || bits > most) {
    throw new RangeError(`${JSON.stringify(cidr)} is not a network, such as 10.0.0.0/8 or fd00::/8`)
  }
  return bits >= 96 && contains(MAPPED, bytes)
    ? { bytes: bytes.subarray(12), bits: bits - 96 }
    : { bytes, bits }
}
