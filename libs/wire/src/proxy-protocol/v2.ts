import type { Address } from '../address.ts'
import type { Decode } from '../decode.ts'
import { formatIp, parseIp } from '../ip.ts'
import { WireError } from '../wire-error.ts'
import type { ProxyEndpoints, ProxyHeader } from './header.ts'
import { readTlvs, tlvBytes, writeTlvs } from './tlv.ts'

/** The header with its TLVs. The wire could say 64 KiB; nobody needs that before the first byte. */
const MAX_HEADER_BYTES: number = 4 * 1024
const FIXED_BYTES = 16
const SIGNATURE: readonly number[] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
const COMMANDS = ['LOCAL', 'PROXY'] as const
/** Place in the list = number on the wire; bytes of one address, and whether ports follow. */
const FAMILIES = [
  { name: 'UNSPEC', host: 0, port: 0 },
  { name: 'INET', host: 4, port: 2 },
  { name: 'INET6', host: 16, port: 2 },
  { name: 'UNIX', host: 108, port: 0 },
] as const
const TRANSPORTS = ['UNSPEC', 'STREAM', 'DGRAM'] as const

/**
 * PROXY protocol version 2, §2.2.
 *  +-----------+-----+-----+--------+-----------+--------+------------+
 *  | SIGNATURE | VER | CMD | FAMILY | TRANSPORT | LENGTH | ADDRESSES, |
 *  |    12     | 4 b | 4 b |  4 b   |    4 b    | 2 (BE) |    TLVs    |
 *  +-----------+-----+-----+--------+-----------+--------+------------+
 * What LOCAL and UNSPEC carry is skipped unread, as §2.2 says.
 *
 * @throws WireError WIRE_SYNTAX, WIRE_VERSION, WIRE_VALUE, WIRE_TOO_LONG over 4 KiB in all, WIRE_LENGTH, WIRE_CHECKSUM
 */
export const decodeProxyV2: Decode<ProxyHeader> = (bytes) => {
  if (SIGNATURE.some((byte, i) => i < bytes.length && bytes[i] !== byte)) {
    throw new WireError('WIRE_SYNTAX', 'not the signature of a PROXY header')
  }
  const [command, family, transport] = readKind(bytes)
  const size = FIXED_BYTES + ((bytes[14] ?? 0) << 8) + (bytes[15] ?? 0)
  if (size > MAX_HEADER_BYTES) throw new WireError('WIRE_TOO_LONG', 'the PROXY header is over 4 KiB')
  if (bytes.length < FIXED_BYTES) return undefined
  const isUnspecified = command === 'LOCAL' || family.name === 'UNSPEC' || transport === 'UNSPEC'
  const tlvsAt = FIXED_BYTES + 2 * (family.host + family.port)
  if (!isUnspecified && size < tlvsAt)
    throw new WireError('WIRE_LENGTH', `too short for ${family.name} addresses`)
  if (bytes.length < size) return undefined
  if (isUnspecified) return { value: { version: 2, command, endpoints: undefined, tlvs: [] }, size }
  const header = new Uint8Array(bytes.subarray(0, size))
  const endpoints = readEndpoints(header, family, transport)
  return { value: { version: 2, command, endpoints, tlvs: readTlvs(header, tlvsAt) }, size }
}

/**
 * LOCAL and unspecified headers are bare. A TLV of type CRC32C gets the right value, whatever it held.
 *
 * @throws WireError WIRE_VALUE, WIRE_ADDRESS, WIRE_LENGTH (checksum), WIRE_TOO_LONG
 */
export function encodeProxyV2({ command, endpoints, tlvs }: ProxyHeader): Uint8Array {
  if ((command === 'LOCAL' || endpoints === undefined) && (endpoints !== undefined || tlvs.length > 0)) {
    throw new WireError('WIRE_VALUE', 'LOCAL and unspecified headers carry neither addresses nor TLVs')
  }
  const familyIndex =
    endpoints === undefined ? 0 : FAMILIES.findIndex(({ name }) => name === endpoints.family)
  const family = FAMILIES[familyIndex]!
  const tlvsAt = FIXED_BYTES + 2 * (family.host + family.port)
  const size = tlvsAt + tlvBytes(tlvs)
  if (size > MAX_HEADER_BYTES) throw new WireError('WIRE_TOO_LONG', 'the PROXY header is over 4 KiB')
  const header = new Uint8Array(size)
  header.set(SIGNATURE)
  header[12] = 0x20 | COMMANDS.indexOf(command)
  header[13] = (familyIndex << 4) | TRANSPORTS.indexOf(endpoints?.transport ?? 'UNSPEC')
  header[14] = (size - FIXED_BYTES) >> 8
  header[15] = (size - FIXED_BYTES) & 0xff
  if (endpoints !== undefined) writeEndpoints(header, endpoints, family.host)
  writeTlvs(header, tlvsAt, tlvs)
  return header
}

type Family = (typeof FAMILIES)[number]
type Transport = (typeof TRANSPORTS)[number]

/** Version, command, family and transport; where their bytes are still to come, any of them will do. */
function readKind(bytes: Uint8Array): [(typeof COMMANDS)[number], Family, Transport] {
  const [versionAndCommand = 0x20, kind = 0] = bytes.subarray(12, 14)
  if (versionAndCommand >> 4 !== 2)
    throw new WireError('WIRE_VERSION', 'the PROXY header is not of version 2')
  const command = COMMANDS[versionAndCommand & 0xf]
  if (command === undefined) throw new WireError('WIRE_VALUE', 'the PROXY command is neither LOCAL nor PROXY')
  // LOCAL: "including the family which is ignored".
  if (command === 'LOCAL') return [command, FAMILIES[0], TRANSPORTS[0]]
  const family = FAMILIES[kind >> 4]
  const transport = TRANSPORTS[kind & 0xf]
  if (family === undefined || transport === undefined) {
    throw new WireError('WIRE_VALUE', `0x${kind.toString(16)} is no address family and transport`)
  }
  return [command, family, transport]
}

function readEndpoints(header: Uint8Array, family: Family, transport: Transport): ProxyEndpoints | undefined {
  if (family.name === 'UNSPEC' || transport === 'UNSPEC') return undefined
  const middle = FIXED_BYTES + family.host
  const end = middle + family.host
  const hosts = [header.slice(FIXED_BYTES, middle), header.slice(middle, end)] as const
  if (family.name === 'UNIX') {
    return {
      family: family.name,
      transport,
      source: withoutNuls(hosts[0]),
      destination: withoutNuls(hosts[1]),
    }
  }
  const source = { host: formatIp(hosts[0]), port: (header[end]! << 8) | header[end + 1]! }
  const destination = { host: formatIp(hosts[1]), port: (header[end + 2]! << 8) | header[end + 3]! }
  return { family: family.name, transport, source, destination }
}

function writeEndpoints(header: Uint8Array, endpoints: ProxyEndpoints, hostBytes: number): void {
  const middle = FIXED_BYTES + hostBytes
  const end = middle + hostBytes
  if (endpoints.family === 'UNIX') {
    const { source, destination } = endpoints
    if (Math.max(source.length, destination.length) > hostBytes) {
      throw new WireError('WIRE_TOO_LONG', `a UNIX address is over ${hostBytes} bytes`)
    }
    header.set(source, FIXED_BYTES)
    header.set(destination, middle)
    return
  }
  writeAddress(header, endpoints.source, hostBytes, FIXED_BYTES, end)
  writeAddress(header, endpoints.destination, hostBytes, middle, end + 2)
}

function writeAddress(
  header: Uint8Array,
  { host, port }: Address,
  hostBytes: number,
  at: number,
  portAt: number,
): void {
  const ip = parseIp(host)
  if (ip?.length !== hostBytes) throw new WireError('WIRE_ADDRESS', `${host} is not of the header's family`)
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
    throw new WireError('WIRE_ADDRESS', `port ${port} is not from 0 to 65535`)
  }
  header.set(ip, at)
  header.set([port >> 8, port & 0xff], portAt)
}

function withoutNuls(path: Uint8Array): Uint8Array {
  return path.slice(0, path.findLastIndex((byte) => byte !== 0) + 1)
}
