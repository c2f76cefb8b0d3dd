import { type Address, parseHost } from './address.ts'
import type { Decode, Decoded } from './decode.ts'
import { formatIp, parseIp } from './ip.ts'
import { decodeLatin1, encodeLatin1 } from './latin1.ts'
import { HOST_SO_FAR, readPort } from './socks-address.ts'
import { WireError } from './wire-error.ts'

const VERSION = 4
/** Replies have a version of their own. */
const REPLY_VERSION = 0
/** VN, CD, DSTPORT, DSTIP. */
const HEAD_BYTES = 8
/** As much as a name and a password of RFC 1929 with a colon between them. */
const MAX_USER_ID_BYTES = 511
const MAX_NAME_BYTES = 255

/** CD of a reply: success, and why not. */
export const SOCKS4_REPLY = { GRANTED: 0x5a, REJECTED: 0x5b, NO_IDENTD: 0x5c, OTHER_USER: 0x5d } as const

/** `command` is any byte from 1 to 255, as in SOCKS5; `userId` is whatever the client calls itself, without a NUL. */
export interface Socks4Request {
  readonly command: number
  readonly address: Address
  readonly userId: Uint8Array
}

/** `reply` is any byte; `bound` is an IPv4 address, for CONNECT without a meaning. */
export interface Socks4Reply {
  readonly reply: number
  readonly bound: Address
}

/**
 * SOCKS4 request (Ying-Da Lee, "SOCKS: A protocol for TCP proxy across firewalls"), and that of SOCKS4A, which has a name
 * behind it where DSTIP is 0.0.0.x with x other than 0.
 *  +----+----+---------+-------+----------+------+ - - - - - - - - +
 *  | VN | CD | DSTPORT | DSTIP | USERID   | NUL  | NAME     | NUL  |
 *  | 1  | 1  | 2 (BE)  |   4   | variable |  1   | variable |  1   |
 *  +----+----+---------+-------+----------+------+ - - - - - - - - +
 * @throws WireError WIRE_VERSION, WIRE_VALUE (CD 0), WIRE_TOO_LONG (USERID over 511 bytes), WIRE_ADDRESS (NAME)
 */
export const decodeSocks4Request: Decode<Socks4Request> = (bytes) => {
  if (bytes.length === 0) return undefined
  expectVersion(bytes[0]!, VERSION)
  if (bytes[1] === 0) throw new WireError('WIRE_VALUE', 'command 0 is none')
  const userEnd = findUserEnd(bytes)
  if (userEnd === undefined) return undefined
  const ip = bytes.subarray(4, HEAD_BYTES)
  const host = isMark(ip) ? decodeName(bytes, userEnd + 1) : { value: formatIp(ip), size: 0 }
  if (host === undefined) return undefined
  const value = {
    command: bytes[1]!,
    address: { host: host.value, port: readPort(bytes, 2) },
    userId: new Uint8Array(bytes.subarray(HEAD_BYTES, userEnd)),
  }
  return { value, size: userEnd + 1 + host.size }
}

/** What is no IPv4 address goes as a name. @throws WireError WIRE_VALUE, WIRE_TOO_LONG, WIRE_ADDRESS */
export function encodeSocks4Request({ command, address, userId }: Socks4Request): Uint8Array {
  if (command === 0) throw new WireError('WIRE_VALUE', 'command 0 is none')
  if (userId.includes(0)) throw new WireError('WIRE_VALUE', 'the user id holds a NUL')
  if (userId.length > MAX_USER_ID_BYTES) throw userIdTooLong()
  const literal = parseIp(address.host)
  const isPlain = literal?.length === 4 && !isMark(literal)
  const name = isPlain ? undefined : encodeLatin1(parseHost(address.host))
  const size = HEAD_BYTES + userId.length + 1
  const bytes = new Uint8Array(size + (name === undefined ? 0 : name.length + 1))
  writeHead(bytes, VERSION, command, address.port, isPlain ? literal : Uint8Array.of(0, 0, 0, 1))
  bytes.set(userId, HEAD_BYTES)
  if (name !== undefined) bytes.set(name, size)
  return bytes
}

/**
 * The server's answer.
 *  +----+----+---------+-------+
 *  | VN | CD | DSTPORT | DSTIP |
 *  | 1  | 1  | 2 (BE)  |   4   |
 *  +----+----+---------+-------+
 * @throws WireError WIRE_VERSION unless VN is 0
 */
export const decodeSocks4Reply: Decode<Socks4Reply> = (bytes) => {
  if (bytes.length === 0) return undefined
  expectVersion(bytes[0]!, REPLY_VERSION)
  if (bytes.length < HEAD_BYTES) return undefined
  const bound = { host: formatIp(bytes.subarray(4, HEAD_BYTES)), port: readPort(bytes, 2) }
  return { value: { reply: bytes[1]!, bound }, size: HEAD_BYTES }
}

/** @throws WireError WIRE_VALUE; WIRE_ADDRESS, also where `bound` is not IPv4 */
export function encodeSocks4Reply(reply: number, bound: Address): Uint8Array {
  const ip = parseIp(bound.host)
  if (ip?.length !== 4) throw new WireError('WIRE_ADDRESS', `${bound.host} is not an IPv4 address`)
  const bytes = new Uint8Array(HEAD_BYTES)
  writeHead(bytes, REPLY_VERSION, reply, bound.port, ip)
  return bytes
}

/** Whether DSTIP only says that a name follows. */
function isMark(ip: Uint8Array): boolean {
  return ip[0] === 0 && ip[1] === 0 && ip[2] === 0 && ip[3] !== 0
}

function findUserEnd(bytes: Uint8Array): number | undefined {
  const end = bytes.indexOf(0, HEAD_BYTES)
  const size = (end < 0 ? bytes.length : end) - HEAD_BYTES
  if (size > MAX_USER_ID_BYTES) throw userIdTooLong()
  return end < 0 ? undefined : end
}

function decodeName(bytes: Uint8Array, start: number): Decoded<string> | undefined {
  const most = bytes.subarray(start, start + MAX_NAME_BYTES + 1)
  const end = most.indexOf(0)
  const text = decodeLatin1(most, 0, end < 0 ? most.length : end)
  if (end >= 0) return { value: parseHost(text), size: end + 1 }
  if (text.length > MAX_NAME_BYTES || !HOST_SO_FAR.test(text)) {
    throw new WireError('WIRE_ADDRESS', 'the name is too long, or holds a byte that no name may hold')
  }
  return undefined
}

function writeHead(bytes: Uint8Array, version: number, code: number, port: number, ip: Uint8Array): void {
  if (!Number.isInteger(code) || code < 0 || code > 0xff) {
    throw new WireError('WIRE_VALUE', `${code} is not one byte`)
  }
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
    throw new WireError('WIRE_ADDRESS', `port ${port} is not from 0 to 65535`)
  }
  bytes.set([version, code, port >> 8, port & 0xff, ...ip])
}

function expectVersion(byte: number, version: number): void {
  if (byte !== version) throw new WireError('WIRE_VERSION', `version byte is ${byte}, not ${version}`)
}

const userIdTooLong = (): WireError =>
  new WireError('WIRE_TOO_LONG', `the user id is over ${MAX_USER_ID_BYTES} bytes`)
