import type { Decode } from '../decode.ts'
import { decodeLatin1, encodeLatin1 } from '../latin1.ts'
import { WireError } from '../wire-error.ts'
import { decodeText, encodeText, joined, readBlock, textBlock } from './block.ts'
import type { GoReader } from './go-json.ts'
import { jsonBlock, MAX_NPC_JSON_BYTES, readJsonBlock } from './json-block.ts'
import { MD5_HEX_BYTES, readMd5Hex } from './md5-hex.ts'
import {
  type NpsClient,
  npsClient,
  type NpsHost,
  npsHost,
  type NpsTunnel,
  npsTunnel,
  plainTunnel,
} from './records.ts'
import { readTag } from './tag.ts'

/** Of a verification key that the server makes. */
export const NPC_KEY_BYTES = 16

/**
 * What a client with a file of its own asks for. The server says first whether the key is the public one; `client` may only follow
 * where it is. A boolean answers each, and a new key (`decodeNpcKey`) follows that for `client`. Names answer `status`.
 */
export type NpcConfRequest =
  | { readonly type: 'client'; readonly client: NpsClient }
  | { readonly type: 'host'; readonly host: NpsHost }
  /** One answer, also where it is of many ports. */
  | { readonly type: 'task'; readonly tunnel: NpsTunnel }
  | { readonly type: 'status'; readonly keyMd5: string }

/** @throws WireError WIRE_VALUE, WIRE_SYNTAX, WIRE_TOO_LONG */
export const decodeNpcConfRequest: Decode<NpcConfRequest> = (bytes) => {
  const tag = readTag(bytes, TAGS)
  switch (tag) {
    case undefined:
      return undefined
    case 'conf':
      return record(bytes, npsClient, (client) => ({ type: 'client', client }))
    case 'host':
      return record(bytes, npsHost, (host) => ({ type: 'host', host }))
    case 'task':
      return record(bytes, npsTunnel, (tunnel) => ({ type: 'task', tunnel }))
    case 'stus':
    default:
      return readStatus(bytes)
  }
}

export function encodeNpcConfRequest(request: NpcConfRequest): Uint8Array {
  switch (request.type) {
    case 'client':
      return joined(encodeText('conf'), jsonBlock(request.client))
    case 'host':
      return joined(encodeText('host'), jsonBlock(request.host))
    case 'task':
      return joined(encodeText('task'), jsonBlock(plainTunnel(request.tunnel)))
    case 'status':
    default:
      return encodeText(`stus${request.keyMd5}`)
  }
}

/** @throws WireError WIRE_VALUE at anything but 0 and 1 */
export const decodeNpcBoolean: Decode<boolean> = (bytes) => {
  const octet = bytes[0]
  if (octet === undefined) return undefined
  if (octet > 1) throw new WireError('WIRE_VALUE', 'neither yes nor no')
  return { value: octet === 1, size: 1 }
}

export function encodeNpcBoolean(value: boolean): Uint8Array {
  return Uint8Array.of(value ? 1 : 0)
}

/** @throws WireError WIRE_SYNTAX at anything but visible ASCII */
export const decodeNpcKey: Decode<string> = (bytes) => {
  const octets = bytes.subarray(0, NPC_KEY_BYTES)
  if (octets.some((octet) => octet < 0x21 || octet > 0x7e)) throw new WireError('WIRE_SYNTAX', 'no key')
  return octets.length < NPC_KEY_BYTES ? undefined : { value: decodeLatin1(octets), size: NPC_KEY_BYTES }
}

/** @throws WireError WIRE_LENGTH when it has not {@link NPC_KEY_BYTES} characters, WIRE_VALUE */
export function encodeNpcKey(key: string): Uint8Array {
  if (key.length !== NPC_KEY_BYTES)
    throw new WireError('WIRE_LENGTH', `a key that has not ${NPC_KEY_BYTES} characters`)
  return encodeLatin1(key)
}

/**
 * The names (remarks) of a client's tunnels and hosts that run.
 * @throws WireError WIRE_TOO_LONG, WIRE_SYNTAX
 */
export const decodeNpcStatus: Decode<readonly string[]> = (bytes) => {
  const found = readBlock(bytes, 0, MAX_NPC_JSON_BYTES)
  if (found === undefined) return undefined
  const names = decodeText(found.bytes).split(SEPARATOR)
  if (names.at(-1) === '') names.pop()
  return { value: names, size: found.end }
}

export function encodeNpcStatus(names: readonly string[]): Uint8Array {
  return textBlock(names.map((name) => name + SEPARATOR).join(''))
}

const TAGS = ['conf', 'host', 'task', 'stus'] as const
const SEPARATOR = '*#*'

function record<T>(
  bytes: Uint8Array,
  read: GoReader<T>,
  make: (value: T) => NpcConfRequest,
): ReturnType<Decode<NpcConfRequest>> {
  const decoded = readJsonBlock(bytes, 4, read)
  return decoded === undefined ? undefined : { value: make(decoded.value), size: decoded.size }
}

const readStatus: Decode<NpcConfRequest> = (bytes) => {
  const keyMd5 = readMd5Hex(bytes, 4)
  return keyMd5 === undefined ? undefined : { value: { type: 'status', keyMd5 }, size: 4 + MD5_HEX_BYTES }
}
