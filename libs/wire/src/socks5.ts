import type { Address } from './address.ts'
import type { Credentials } from './credentials.ts'
import type { Decode, Decoded } from './decode.ts'
import { decodeSocksAddress, encodeSocksAddress } from './socks-address.ts'
import { WireError } from './wire-error.ts'

const VERSION = 5
/** The sub-negotiation counts its own versions, RFC 1929 §2. */
const USER_PASS_VERSION = 1

/** RFC 1928 §3. */
export const METHOD = { NONE: 0x00, GSSAPI: 0x01, USER_PASS: 0x02, NO_ACCEPTABLE: 0xff } as const

/** RFC 1928 §4. */
export const COMMAND = { CONNECT: 1, BIND: 2, UDP_ASSOCIATE: 3 } as const

/** RFC 1928 §6. */
export const REPLY = {
  SUCCEEDED: 0,
  GENERAL_FAILURE: 1,
  NOT_ALLOWED: 2,
  NETWORK_UNREACHABLE: 3,
  HOST_UNREACHABLE: 4,
  CONNECTION_REFUSED: 5,
  TTL_EXPIRED: 6,
  COMMAND_NOT_SUPPORTED: 7,
  ADDRESS_TYPE_NOT_SUPPORTED: 8,
} as const

/** RFC 1929 §2: anything but 0 is a failure, and the server closes after it. */
export const USER_PASS_STATUS = { SUCCESS: 0, FAILURE: 1 } as const

/** The methods that a client offers, in its order; an empty list is a value, to be answered with NO_ACCEPTABLE. */
export interface Socks5Greeting {
  readonly methods: Uint8Array
}

/** `command` is any byte from 1 to 255, so that the caller can answer an unknown one with COMMAND_NOT_SUPPORTED. */
export interface Socks5Request {
  readonly command: number
  readonly address: Address
}

/** `reply` is any byte; 0 is success. `bound` is the address that the server connects from. */
export interface Socks5Reply {
  readonly reply: number
  readonly bound: Address
}

/**
 * The client's first message, RFC 1928 §3.
 *  +-----+----------+----------+
 *  | VER | NMETHODS | METHODS  |
 *  |  1  |    1     | 0 to 255 |
 *  +-----+----------+----------+
 * @throws WireError WIRE_VERSION
 */
export const decodeGreeting: Decode<Socks5Greeting> = (bytes) => {
  if (bytes.length === 0) return undefined
  expectVersion(bytes[0]!, VERSION)
  const end = 2 + (bytes[1] ?? Infinity)
  if (bytes.length < end) return undefined
  return { value: { methods: copy(bytes, 2, end) }, size: end }
}

/** @throws WireError WIRE_TOO_LONG over 255 methods */
export function encodeGreeting({ methods }: Socks5Greeting): Uint8Array {
  const bytes = new Uint8Array(2 + methods.length)
  bytes[0] = VERSION
  bytes[1] = checkLength(methods, 'methods')
  bytes.set(methods, 2)
  return bytes
}

/** The server's choice of method, RFC 1928 §3. @throws WireError WIRE_VERSION */
export const decodeMethod: Decode<number> = (bytes) => decodePair(bytes, VERSION)

/** @throws WireError WIRE_VALUE when `method` is no byte */
export function encodeMethod(method: number): Uint8Array {
  return Uint8Array.of(VERSION, checkByte(method, 'method'))
}

/**
 * Name and password, RFC 1929 §2. The RFC wants 1 to 255 bytes each; none at all is passed on, to fail as any wrong password does.
 *  +-----+------+----------+------+----------+
 *  | VER | ULEN |  UNAME   | PLEN |  PASSWD  |
 *  |  1  |  1   | 0 to 255 |  1   | 0 to 255 |
 *  +-----+------+----------+------+----------+
 * @throws WireError WIRE_VERSION unless VER is 1
 */
export const decodeUserPass: Decode<Credentials> = (bytes) => {
  if (bytes.length === 0) return undefined
  expectVersion(bytes[0]!, USER_PASS_VERSION)
  const userEnd = 2 + (bytes[1] ?? Infinity)
  const end = userEnd + 1 + (bytes[userEnd] ?? Infinity)
  if (bytes.length < end) return undefined
  return { value: { username: copy(bytes, 2, userEnd), password: copy(bytes, userEnd + 1, end) }, size: end }
}

/** @throws WireError WIRE_TOO_LONG over 255 bytes each */
export function encodeUserPass({ username, password }: Credentials): Uint8Array {
  const bytes = new Uint8Array(3 + username.length + password.length)
  bytes[0] = USER_PASS_VERSION
  bytes[1] = checkLength(username, 'username')
  bytes.set(username, 2)
  bytes[2 + username.length] = checkLength(password, 'password')
  bytes.set(password, 3 + username.length)
  return bytes
}

/** The server's verdict on name and password, RFC 1929 §2. @throws WireError WIRE_VERSION */
export const decodeUserPassStatus: Decode<number> = (bytes) => decodePair(bytes, USER_PASS_VERSION)

/** @throws WireError WIRE_VALUE when `status` is no byte */
export function encodeUserPassStatus(status: number): Uint8Array {
  return Uint8Array.of(USER_PASS_VERSION, checkByte(status, 'status'))
}

/**
 * SOCKS5 request, RFC 1928 §4. RSV must be 0, as the RFC says: whoever sends something else speaks another protocol.
 *  +-----+-----+-----+------+----------+----------+
 *  | VER | CMD | RSV | ATYP | DST.ADDR | DST.PORT |
 *  |  1  |  1  |  1  |  1   | variable |  2 (BE)  |
 *  +-----+-----+-----+------+----------+----------+
 * @throws WireError WIRE_VERSION, WIRE_VALUE (CMD 0, RSV), WIRE_ADDRESS_TYPE, WIRE_ADDRESS
 */
export const decodeRequest: Decode<Socks5Request> = (bytes) => {
  if (bytes[1] === 0 && bytes[0] === VERSION) throw new WireError('WIRE_VALUE', 'command 0 is none')
  const address = decodeFrame(bytes)
  return address && { value: { command: bytes[1]!, address: address.value }, size: 3 + address.size }
}

/** @throws WireError WIRE_VALUE, WIRE_ADDRESS */
export function encodeRequest({ command, address }: Socks5Request): Uint8Array {
  if (command === 0) throw new WireError('WIRE_VALUE', 'command 0 is none')
  return encodeFrame(checkByte(command, 'command'), address)
}

/**
 * The server's answer, RFC 1928 §6: as the request, with REP in the place of CMD.
 * @throws WireError WIRE_VERSION, WIRE_VALUE (RSV), WIRE_ADDRESS_TYPE, WIRE_ADDRESS
 */
export const decodeReply: Decode<Socks5Reply> = (bytes) => {
  const bound = decodeFrame(bytes)
  return bound && { value: { reply: bytes[1]!, bound: bound.value }, size: 3 + bound.size }
}

/** @throws WireError WIRE_VALUE, WIRE_ADDRESS */
export function encodeReply(reply: number, bound: Address): Uint8Array {
  return encodeFrame(checkByte(reply, 'reply'), bound)
}

/** VER, one byte of the caller's, RSV, address. */
function decodeFrame(bytes: Uint8Array): Decoded<Address> | undefined {
  if (bytes.length === 0) return undefined
  expectVersion(bytes[0]!, VERSION)
  if (bytes.length > 2 && bytes[2] !== 0)
    throw new WireError('WIRE_VALUE', `reserved byte is ${bytes[2]}, not 0`)
  return decodeSocksAddress(bytes, 3)
}

function encodeFrame(code: number, address: Address): Uint8Array {
  const tail = encodeSocksAddress(address)
  const bytes = new Uint8Array(3 + tail.length)
  bytes[0] = VERSION
  bytes[1] = code
  bytes.set(tail, 3)
  return bytes
}

function decodePair(bytes: Uint8Array, version: number): Decoded<number> | undefined {
  if (bytes.length === 0) return undefined
  expectVersion(bytes[0]!, version)
  return bytes.length < 2 ? undefined : { value: bytes[1]!, size: 2 }
}

function expectVersion(byte: number, version: number): void {
  if (byte !== version) throw new WireError('WIRE_VERSION', `version byte is ${byte}, not ${version}`)
}

function checkByte(value: number, what: string): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xff) {
    throw new WireError('WIRE_VALUE', `${what} ${value} is not one byte`)
  }
  return value
}

function checkLength(bytes: Uint8Array, what: string): number {
  if (bytes.length > 0xff) throw new WireError('WIRE_TOO_LONG', `${what} is over 255 bytes`)
  return bytes.length
}

// Not slice(): on a Buffer that would share the memory.
function copy(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end))
}
