import { type Address, parseAddress } from './address.ts'
import type { Credentials } from './credentials.ts'
import { fieldValues, type RequestHead } from './http-head.ts'
import { decodeLatin1, encodeLatin1 } from './latin1.ts'
import { WireError } from './wire-error.ts'

const BASIC = /^basic +([A-Za-z0-9+/]*={0,2})$/i
const OTHER_SCHEME = /^(?!basic(?: |$))[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?: |$)/i
const COLON = 0x3a

/**
 * Where a CONNECT request wants to go (RFC 9110 §9.3.6): its target, in authority-form. A Host field that names something
 * else is no reason to refuse, the target rules. HTTP/1.0 never had the method, yet is what socat, nc and Python's http.client
 * before 3.12 speak, often without Host.
 *
 * @throws WireError
 *   WIRE_VALUE for another method, for several Host fields, or for none in HTTP/1.1;
 *   WIRE_LENGTH for Content-Length or Transfer-Encoding, since a body that one side sees and the other does not is an attack;
 *   WIRE_ADDRESS for a target without a port from 1 to 65535, or whose host cannot be one
 */
export function connectTarget(head: RequestHead): Address {
  if (head.method !== 'CONNECT') throw new WireError('WIRE_VALUE', 'the method is not CONNECT')
  const hosts = fieldValues(head, 'host').length
  if (hosts > 1 || (hosts === 0 && head.version === '1.1'))
    throw new WireError('WIRE_VALUE', 'there must be exactly one Host field')
  for (const name of ['Content-Length', 'Transfer-Encoding']) {
    if (fieldValues(head, name).length > 0)
      throw new WireError('WIRE_LENGTH', `CONNECT has no body, so no ${name}`)
  }
  const address = parseAddress(head.target)
  if (address.port === 0) throw new WireError('WIRE_ADDRESS', 'nothing can be reached at port 0')
  return address
}

/**
 * Name and password of `Proxy-Authorization: Basic` (RFC 7617): split at the first colon, either may be empty, bytes as they came
 * (curl and browsers send UTF-8).
 *
 * @returns undefined where the field is absent or of another scheme
 * @throws WireError WIRE_VALUE when it is repeated, not base64, without a colon, or holds control characters
 */
export function basicCredentials(head: RequestHead): Credentials | undefined {
  const [value, another] = fieldValues(head, 'proxy-authorization')
  if (another !== undefined) throw new WireError('WIRE_VALUE', 'Proxy-Authorization is repeated')
  return value === undefined ? undefined : basicCredentialsOf(value)
}

/** As {@link basicCredentials}, of the value of the field. @throws WireError WIRE_VALUE */
export function basicCredentialsOf(value: string): Credentials | undefined {
  if (OTHER_SCHEME.test(value)) return undefined
  const base64 = BASIC.exec(value)?.[1]
  if (base64 === undefined || base64.length % 4 !== 0)
    throw new WireError('WIRE_VALUE', 'the credentials are not base64')
  const bytes = encodeLatin1(atob(base64))
  const colon = bytes.indexOf(COLON)
  if (colon < 0) throw new WireError('WIRE_VALUE', 'the credentials have no colon')
  if (bytes.some(isControl)) throw new WireError('WIRE_VALUE', 'the credentials hold a control character')
  return { username: bytes.slice(0, colon), password: bytes.slice(colon + 1) }
}

/** The value of a Proxy-Authorization or Authorization field. @throws WireError WIRE_VALUE for what could not be read back */
export function encodeBasic({ username, password }: Credentials): string {
  if (username.includes(COLON)) throw new WireError('WIRE_VALUE', 'the username holds a colon')
  if (username.some(isControl) || password.some(isControl)) {
    throw new WireError('WIRE_VALUE', 'the credentials hold a control character')
  }
  return `Basic ${btoa(`${decodeLatin1(username)}:${decodeLatin1(password)}`)}`
}

function isControl(byte: number): boolean {
  return byte < 0x20 || byte === 0x7f
}
