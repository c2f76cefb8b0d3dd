import type { Decode, Decoded } from '../decode.ts'
import { WireError } from '../wire-error.ts'
import { FieldReader } from '../fields.ts'
import {
  FRAME,
  MAX_ADDRESS_BYTES,
  MAX_ADDRESSES,
  MAX_REASON_BYTES,
  MAX_TOKEN_BYTES,
  type RelayFrame,
} from './frame.ts'
import { isZero } from './node-id.ts'
import { RELAY_STATUS } from './status.ts'

type ReadBody = (body: FieldReader, status: number) => RelayFrame

/** Tags in the tail of AUTH. */
export const AUTH_TAG = { TOKEN: 1 } as const

/**
 * Any frame of the relay protocol, `docs/protocols/relay.md`.
 *  +------+-----------------+--------+----------+
 *  | Type | Status or Flags | Length |   Body   |
 *  |  1   |        1        | 2 (BE) | variable |
 *  +------+-----------------+--------+----------+
 * RESERVE, RESERVE_RESPONSE and CONNECT have layouts of their own.
 * @param maxBody see `MAX_BODY`
 * @throws WireError WIRE_VALUE, WIRE_LENGTH, WIRE_TOO_LONG, WIRE_SYNTAX
 */
export const relayFrameDecoder =
  (maxBody: number): Decode<RelayFrame> =>
  (bytes) => {
    const type = bytes[0]
    if (type === undefined) return undefined
    const own = OWN_LAYOUT[type]
    if (own !== undefined) return own(bytes, maxBody)
    const read = BODY[type]
    if (read === undefined) throw new WireError('WIRE_VALUE', `there is no frame of type ${type}`)
    if (bytes.length > 1 && bytes[1] !== 0 && !WITH_STATUS.has(type)) {
      throw new WireError('WIRE_VALUE', 'flags that are not 0')
    }
    if (bytes.length < 4) return undefined
    const length = bytes[2]! * 256 + bytes[3]!
    if (length > maxBody) throw new WireError('WIRE_TOO_LONG', `a frame of more than ${maxBody} octets`)
    if (bytes.length < 4 + length) return undefined
    const body = new FieldReader(bytes.subarray(4, 4 + length))
    const value = read(body, bytes[1]!)
    body.end()
    return { value, size: 4 + length }
  }

const reserve = (bytes: Uint8Array): Decoded<RelayFrame> | undefined => {
  if (bytes.length < 4) return undefined
  return { value: { type: 'reserve', ttl: bytes[1]! * 65536 + bytes[2]! * 256 + bytes[3]! }, size: 4 }
}

const reserveResponse = (bytes: Uint8Array, maxBody: number): Decoded<RelayFrame> | undefined => {
  if (bytes.length < 4) return undefined
  const count = bytes[2]! * 256 + bytes[3]!
  if (count > MAX_ADDRESSES) throw new WireError('WIRE_TOO_LONG', `more than ${MAX_ADDRESSES} addresses`)
  const addresses: string[] = []
  let at = 4
  while (addresses.length < count) {
    if (bytes.length < at + 2) return undefined
    const length = bytes[at]! * 256 + bytes[at + 1]!
    checkAddress(length)
    if (at + 2 + length > 4 + maxBody)
      throw new WireError('WIRE_TOO_LONG', `over ${maxBody} octets of addresses`)
    if (bytes.length < at + 2 + length) return undefined
    addresses.push(new FieldReader(bytes.subarray(at + 2)).text(length))
    at += 2 + length
  }
  return { value: { type: 'reserveResponse', status: bytes[1]!, addresses }, size: at }
}

const connect = (bytes: Uint8Array): Decoded<RelayFrame> | undefined => {
  if (bytes.length < 2) return undefined
  if (bytes[1] !== 32) throw new WireError('WIRE_LENGTH', 'a destination that does not have 32 octets')
  if (bytes.length < 34) return undefined
  return { value: { type: 'connect', destination: nodeId(new Uint8Array(bytes.subarray(2, 34))) }, size: 34 }
}

type OwnLayout = (bytes: Uint8Array, maxBody: number) => Decoded<RelayFrame> | undefined

const OWN_LAYOUT: Readonly<Record<number, OwnLayout>> = {
  [FRAME.RESERVE]: reserve,
  [FRAME.RESERVE_RESPONSE]: reserveResponse,
  [FRAME.CONNECT]: connect,
}

const WITH_STATUS: ReadonlySet<number> = new Set([
  FRAME.CONNECT_RESPONSE,
  FRAME.REJECT,
  FRAME.CIRCUIT_CLOSED,
  FRAME.NOTICE,
  FRAME.GOAWAY,
  FRAME.WELCOME,
])

const nodeId = (id: Uint8Array): Uint8Array => {
  if (isZero(id)) throw new WireError('WIRE_VALUE', 'a NodeID of zeros')
  return id
}

const versions = (min: number, max: number): void => {
  if (min === 0 || max < min) throw new WireError('WIRE_VALUE', 'a range of versions that is none')
}

const reasonOf = (body: FieldReader, size: number): string => {
  if (size > MAX_REASON_BYTES)
    throw new WireError('WIRE_TOO_LONG', `a reason of more than ${MAX_REASON_BYTES} octets`)
  return body.text(size)
}

/** An address at the end that may be missing. */
const addressOf = (body: FieldReader): string => {
  if (body.left === 0) return ''
  const size = body.u16()
  checkAddress(size)
  return body.text(size)
}

const checkAddress = (size: number): void => {
  if (size === 0) throw new WireError('WIRE_LENGTH', 'an address without octets')
  if (size > MAX_ADDRESS_BYTES) throw new WireError('WIRE_TOO_LONG', 'an address that is too long')
}

const hello: ReadBody = (body) => {
  const [minVersion, maxVersion] = [body.u8(), body.u8()]
  versions(minVersion, maxVersion)
  const capabilities = body.u16()
  return {
    type: 'hello',
    minVersion,
    maxVersion,
    capabilities,
    publicKey: body.bytes(32),
    nonce: body.bytes(32),
  }
}

const challenge: ReadBody = (body) => {
  const version = body.u8()
  versions(version, version)
  if (body.u8() !== 0) throw new WireError('WIRE_VALUE', 'a reserved octet that is not 0')
  const capabilities = body.u16()
  const [publicKey, nonce, signature] = [body.bytes(32), body.bytes(32), body.bytes(64)]
  return { type: 'challenge', version, capabilities, publicKey, nonce, signature }
}

const auth: ReadBody = (body) => {
  const signature = body.bytes(64)
  let token: Uint8Array | undefined
  while (body.left > 0) {
    const tag = body.u8()
    const value = body.bytes(body.u16())
    if (tag !== AUTH_TAG.TOKEN) continue
    if (token !== undefined) throw new WireError('WIRE_VALUE', 'a second access token')
    if (value.length === 0 || value.length > MAX_TOKEN_BYTES) {
      throw new WireError('WIRE_LENGTH', `an access token that does not have 1 to ${MAX_TOKEN_BYTES} octets`)
    }
    token = value
  }
  return token === undefined ? { type: 'auth', signature } : { type: 'auth', signature, token }
}

const welcome: ReadBody = (body, status) => {
  if (status !== RELAY_STATUS.OK) return { type: 'unwelcome', status, reason: reasonOf(body, body.left) }
  const sessionId = body.bytes(16)
  const [pingInterval, idleTimeout] = [body.u16(), body.u16()]
  const [duration, data, rate, circuits] = [body.u32(), body.u64(), body.u32(), body.u16()]
  const observed = reasonOf(body, body.u16())
  return { type: 'welcome', sessionId, pingInterval, idleTimeout, duration, data, rate, circuits, observed }
}

const reservation: ReadBody = (body) => {
  const [expire, ttl, slots] = [body.u64(), body.u32(), body.u16()]
  const [duration, data, rate] = [body.u32(), body.u64(), body.u32()]
  const voucher = body.bytes(body.u16())
  return { type: 'reservation', expire, ttl, slots, duration, data, rate, voucher }
}

const connectResponse: ReadBody = (body, status) => {
  if (status === RELAY_STATUS.OK) {
    const [circuitId, peer, peerKey] = [body.bytes(16), nodeId(body.bytes(32)), body.bytes(32)]
    const [duration, data, rate] = [body.u32(), body.u64(), body.u32()]
    return { type: 'connected', circuitId, peer, peerKey, duration, data, rate }
  }
  const retryAfter = body.u16()
  const reason = reasonOf(body, body.u16())
  return { type: 'connectRefused', status, retryAfter, reason, address: addressOf(body) }
}

const incoming: ReadBody = (body) => {
  const [circuitId, source, sourceKey, token] = [
    body.bytes(16),
    nodeId(body.bytes(32)),
    body.bytes(32),
    body.bytes(32),
  ]
  const [acceptWithin, duration, data] = [body.u16(), body.u32(), body.u64()]
  return { type: 'incoming', circuitId, source, sourceKey, token, acceptWithin, duration, data }
}

const circuitClosed: ReadBody = (body, status) => {
  const [circuitId, up, down, ms] = [body.bytes(16), body.u64(), body.u64(), body.u32()]
  return { type: 'circuitClosed', status, circuitId, up, down, ms }
}

const goaway: ReadBody = (body, status) => {
  const [reconnectAfterMs, tryForMs] = [body.u32(), body.u32()]
  return { type: 'goaway', status, reconnectAfterMs, tryForMs, address: addressOf(body) }
}

const BODY: Readonly<Record<number, ReadBody>> = {
  [FRAME.HELLO]: hello,
  [FRAME.CHALLENGE]: challenge,
  [FRAME.AUTH]: auth,
  [FRAME.WELCOME]: welcome,
  [FRAME.RESERVATION]: reservation,
  [FRAME.RELEASE]: () => ({ type: 'release' }),
  [FRAME.PING]: (body) => ({ type: 'ping', opaque: body.bytes(8) }),
  [FRAME.PONG]: (body) => ({ type: 'pong', opaque: body.bytes(8) }),
  [FRAME.NOTICE]: (body, status) => ({ type: 'notice', status, text: reasonOf(body, body.left) }),
  [FRAME.GOAWAY]: goaway,
  [FRAME.CONNECT_RESPONSE]: connectResponse,
  [FRAME.INCOMING]: incoming,
  [FRAME.ACCEPT]: (body) => ({ type: 'accept', circuitId: body.bytes(16), token: body.bytes(32) }),
  [FRAME.REJECT]: (body, status) => ({
    type: 'reject',
    status,
    circuitId: body.bytes(16),
    reason: reasonOf(body, body.left),
  }),
  [FRAME.CIRCUIT_CLOSED]: circuitClosed,
}
