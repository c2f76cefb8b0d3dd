import type { Decode } from '../decode.ts'
import { formatIp, parseIp } from '../ip.ts'
import { decodeLatin1, encodeLatin1 } from '../latin1.ts'
import { WireError } from '../wire-error.ts'
import type { ProxyHeader } from './header.ts'

/** With CRLF, PROXY protocol §2.1. */
const MAX_LINE_BYTES = 107
const LF = 0x0a
const PROTOCOLS = ['TCP4', 'TCP6', 'UNKNOWN']
const PORT = /^(?:0|[1-9]\d{0,4})$/
const UNSPECIFIED: ProxyHeader = { version: 1, command: 'PROXY', endpoints: undefined, tlvs: [] }

/**
 * PROXY protocol version 1, §2.1: `PROXY TCP4 source destination port port\r\n`, TCP6 likewise, or `PROXY UNKNOWN …\r\n`.
 *
 * @throws WireError WIRE_SYNTAX, WIRE_VALUE (protocol), WIRE_ADDRESS, WIRE_TOO_LONG over 107 bytes
 */
export const decodeProxyV1: Decode<ProxyHeader> = (bytes) => {
  const size = Math.min(bytes.indexOf(LF) + 1 || Infinity, MAX_LINE_BYTES)
  const text = decodeLatin1(bytes, 0, Math.min(size, bytes.length))
  const line = text.replace(/\r\n?$/, '')
  const isEnded = line.length < text.length
  const wrongAt = line.search(/[^ -~]/)
  const value =
    wrongAt < 0 ? readLine(line, isEnded) : readLine(line.slice(0, wrongAt), line[wrongAt] === '\r')
  if (wrongAt >= 0) throw new WireError('WIRE_SYNTAX', 'a PROXY line is plain text and ends in CRLF')
  if (text.endsWith('\n')) return value && { value, size }
  if (text.length < MAX_LINE_BYTES) return undefined
  throw new WireError('WIRE_TOO_LONG', `no end of line within ${MAX_LINE_BYTES} bytes`)
}

/** @throws WireError WIRE_VALUE for what version 1 cannot say, WIRE_ADDRESS */
export function encodeProxyV1({ command, endpoints, tlvs }: ProxyHeader): Uint8Array {
  if (command !== 'PROXY' || tlvs.length > 0)
    throw new WireError('WIRE_VALUE', 'version 1 has no LOCAL and no TLVs')
  if (endpoints === undefined) return encodeLatin1('PROXY UNKNOWN\r\n')
  if (endpoints.family === 'UNIX' || endpoints.transport !== 'STREAM') {
    throw new WireError('WIRE_VALUE', 'version 1 knows TCP only')
  }
  const { family, source, destination } = endpoints
  const ipBytes = family === 'INET' ? 4 : 16
  const hosts = [source.host, destination.host].map((host) => readHost(host, ipBytes))
  const ports = [source.port, destination.port].map((port) => readPort(String(port)))
  return encodeLatin1(`PROXY ${family === 'INET' ? 'TCP4' : 'TCP6'} ${[...hosts, ...ports].join(' ')}\r\n`)
}

/** Checks every word that has come, the last one as far as it goes; gives the header when the line has ended. */
function readLine(line: string, isEnded: boolean): ProxyHeader | undefined {
  const words = line.split(' ')
  const closed = isEnded ? words.length : words.length - 1
  const [tag = '', protocol = ''] = words
  if (!isOneOf(['PROXY'], tag, closed > 0))
    throw new WireError('WIRE_SYNTAX', 'the line does not begin with PROXY')
  if (!isOneOf(PROTOCOLS, protocol, closed > 1))
    throw new WireError('WIRE_VALUE', 'not TCP4, TCP6 or UNKNOWN')
  if (closed > 1 && protocol === 'UNKNOWN') return UNSPECIFIED
  const ipBytes = protocol === 'TCP4' ? 4 : 16
  const [source = '', destination = ''] = words
    .slice(2, Math.min(closed, 4))
    .map((word) => readHost(word, ipBytes))
  const [sourcePort = 0, destinationPort = 0] = words.slice(4, Math.min(closed, 6)).map(readPort)
  if (words.length > 6 || (isEnded && words.length < 6))
    throw new WireError('WIRE_SYNTAX', 'a PROXY line has 6 words')
  if (!isEnded) return undefined
  const endpoints = {
    family: ipBytes === 4 ? 'INET' : 'INET6',
    transport: 'STREAM',
    source: { host: source, port: sourcePort },
    destination: { host: destination, port: destinationPort },
  } as const
  return { version: 1, command: 'PROXY', endpoints, tlvs: [] }
}

function isOneOf(allowed: readonly string[], word: string, isClosed: boolean): boolean {
  return isClosed ? allowed.includes(word) : allowed.some((one) => one.startsWith(word))
}

function readHost(text: string, ipBytes: number): string {
  const ip = parseIp(text)
  if (ip?.length !== ipBytes)
    throw new WireError('WIRE_ADDRESS', `not an IPv${ipBytes === 4 ? 4 : 6} address`)
  return formatIp(ip)
}

function readPort(text: string): number {
  if (!PORT.test(text) || Number(text) > 0xffff)
    throw new WireError('WIRE_ADDRESS', 'not a port from 0 to 65535')
  return Number(text)
}
