import type { Decode } from '../decode.ts'
import { encodeLatin1 } from '../latin1.ts'
import { MAX_MAIN_BYTES } from './main-channel.ts'
import { WireError } from '../wire-error.ts'
import { encodeText, lineText, readBlock, textBlock } from './block.ts'
import { MD5_HEX_BYTES, readMd5Hex } from './md5-hex.ts'

/** Ports of a meeting point, one after the other: how a NAT counts shows in what they see. */
export const NPC_RENDEZVOUS_PORTS = 3

/** Who is at a meeting point, in one datagram to each of its ports. */
export interface NpcMeeting {
  readonly passwordMd5: string
  /** Who asked for the tunnel, or who has it. */
  readonly role: 'visitor' | 'provider'
}

/**
 * The datagram `<md5>*#*p2pv*#*`, or `p2pp` for the provider.
 * @throws WireError WIRE_SYNTAX
 */
export const decodeNpcMeeting: Decode<NpcMeeting> = (bytes) => {
  const passwordMd5 = readMd5Hex(bytes, 0)
  if (passwordMd5 === undefined) return undefined
  const rest = bytes.subarray(MD5_HEX_BYTES, MD5_HEX_BYTES + VISITOR.length)
  const isProvider = matches(rest, PROVIDER)
  if (!isProvider && !matches(rest, VISITOR))
    throw new WireError('WIRE_SYNTAX', 'neither a visitor nor a provider')
  if (rest.length < VISITOR.length) return undefined
  return {
    value: { passwordMd5, role: isProvider ? 'provider' : 'visitor' },
    size: MD5_HEX_BYTES + VISITOR.length,
  }
}

export function encodeNpcMeeting({ passwordMd5, role }: NpcMeeting): Uint8Array {
  return encodeText(passwordMd5 + (role === 'visitor' ? VISITOR : PROVIDER))
}

/**
 * What each port answers each side with: the other's address as it is seen there, host:port. One datagram, all of it.
 * @throws WireError WIRE_SYNTAX, WIRE_TOO_LONG
 */
export function readNpcMeetingAnswer(datagram: Uint8Array): string {
  if (datagram.length > MAX_MAIN_BYTES)
    throw new WireError('WIRE_TOO_LONG', 'an address of more than 1024 octets')
  return lineText(datagram)
}

export function encodeNpcMeetingAnswer(address: string): Uint8Array {
  return encodeLatin1(address)
}

/**
 * Where a visitor is sent when its conn had `p2pm`: host:port of the meeting point.
 * @throws WireError WIRE_TOO_LONG, WIRE_SYNTAX
 */
export const decodeNpcMeetingPoint: Decode<string> = (bytes) => {
  const found = readBlock(bytes, 0, MAX_MAIN_BYTES)
  return found === undefined ? undefined : { value: lineText(found.bytes), size: found.end }
}

export function encodeNpcMeetingPoint(address: string): Uint8Array {
  return textBlock(address)
}

const VISITOR = '*#*p2pv*#*'
const PROVIDER = '*#*p2pp*#*'

function matches(bytes: Uint8Array, text: string): boolean {
  return bytes.every((byte, at) => byte === text.charCodeAt(at))
}
