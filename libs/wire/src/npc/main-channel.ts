import type { Decode } from '../decode.ts'
import { WireError } from '../wire-error.ts'
import { decodeText, encodeText, joined, lineText, readBlock, textBlock } from './block.ts'
import { MD5_HEX_BYTES, readMd5Hex } from './md5-hex.ts'
import { readTag } from './tag.ts'

/** Of an address, a report or an answer on the main conn. */
export const MAX_MAIN_BYTES = 1024

/** What a server asks on the main conn. */
export type NpcSignal =
  /** Meet a visitor at `server` (host:port), for the tunnel with this password. */
  | { readonly type: 'p2p'; readonly server: string; readonly passwordMd5: string }
  /** Say your addresses in the local network. Old clients stay silent. */
  | { readonly type: 'localIp' }

/** What a client says on the main conn. */
export type NpcReport =
  /** Of its own checks: whether a target of its tunnels and hosts does. */
  | { readonly type: 'health'; readonly target: string; readonly isUp: boolean }
  /** Anything else, such as the answer to `localIp`. */
  | { readonly type: 'text'; readonly text: string }

/** @throws WireError WIRE_VALUE, WIRE_TOO_LONG, WIRE_LENGTH, WIRE_SYNTAX */
export const decodeNpcSignal: Decode<NpcSignal> = (bytes) => {
  const tag = readTag(bytes, SIGNALS)
  if (tag === undefined) return undefined
  if (tag === 'rlip') return { value: { type: 'localIp' }, size: 4 }
  const server = readBlock(bytes, 4, MAX_MAIN_BYTES)
  if (server === undefined) return undefined
  const password = readBlock(bytes, server.end, MD5_HEX_BYTES)
  if (password === undefined) return undefined
  const passwordMd5 = readMd5Hex(password.bytes, 0)
  if (passwordMd5 === undefined) throw new WireError('WIRE_LENGTH', 'an MD5 of fewer than 32 digits')
  return { value: { type: 'p2p', server: lineText(server.bytes), passwordMd5 }, size: password.end }
}

export function encodeNpcSignal(signal: NpcSignal): Uint8Array {
  if (signal.type === 'localIp') return encodeText('rlip')
  return joined(encodeText('udpc'), textBlock(signal.server), textBlock(signal.passwordMd5))
}

/** @throws WireError WIRE_TOO_LONG, WIRE_SYNTAX */
export const decodeNpcReport: Decode<NpcReport> = (bytes) => {
  const block = readBlock(bytes, 0, MAX_MAIN_BYTES)
  if (block === undefined) return undefined
  const text = decodeText(block.bytes)
  const [, target, state] = HEALTH.exec(text) ?? []
  if (target === undefined) return { value: { type: 'text', text }, size: block.end }
  return { value: { type: 'health', target, isUp: state === '1' }, size: block.end }
}

export function encodeNpcReport(report: NpcReport): Uint8Array {
  if (report.type === 'text') return textBlock(report.text)
  return textBlock(`${report.target}*#*${report.isUp ? 1 : 0}*#*`)
}

const SIGNALS = ['udpc', 'rlip'] as const
const HEALTH = /^([^*\p{Cc}]+)\*#\*([01])\*#\*$/u
