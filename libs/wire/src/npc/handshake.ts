import type { Decode } from '../decode.ts'
import { encodeLatin1 } from '../latin1.ts'
import { WireError } from '../wire-error.ts'
import { encodeText, joined, lineText, readBlock, readU32, textBlock, u32 } from './block.ts'
import { MD5_HEX_BYTES, readMd5Hex } from './md5-hex.ts'
import { readTag } from './tag.ts'

/** What both sides must speak, and its MD5, with which the server answers a hello. */
export const NPC_CORE_VERSION = '0.26.0'
export const NPC_CORE_VERSION_MD5 = '89a4f3fc3c89257d6f712de6964bda8e'

/** Of each version in a hello. */
export const MAX_NPC_VERSION_BYTES = 128

/** The client's first bytes on each of its connections. */
export interface NpcHello {
  /** Whether it goes on with {@link NPC_CORE_VERSION} is the caller's to judge. */
  readonly core: string
  /** Of the program. */
  readonly release: string
}

/** What a connection is for, in its first bytes after the verdict. */
export type NpcPurpose =
  /** Signals: one for each client. */
  | { readonly type: 'main' }
  /** A mux for streams. */
  | { readonly type: 'chan' }
  /** A mux to the file server of the client. */
  | { readonly type: 'file' }
  /** Tunnels from the client's own file. */
  | { readonly type: 'conf' }
  /** Lets the address that it comes from use the tunnels, for so many hours. */
  | { readonly type: 'register'; readonly hours: number }
  /** From here on it is the stream of a visitor to the tunnel with this password. */
  | { readonly type: 'secret'; readonly passwordMd5: string }
  /** Asks for a meeting with the owner of the tunnel with this password. */
  | { readonly type: 'p2p'; readonly passwordMd5: string }

/**
 * `TST`, then the two versions, each behind its length.
 * @throws WireError WIRE_VERSION at other first bytes, WIRE_TOO_LONG, WIRE_SYNTAX
 */
export const decodeNpcHello: Decode<NpcHello> = (bytes) => {
  for (let at = 0; at < Math.min(3, bytes.length); at++) {
    if (bytes[at] !== MAGIC.charCodeAt(at))
      throw new WireError('WIRE_VERSION', 'a conn that does not begin with TST')
  }
  const core = readBlock(bytes, 3, MAX_NPC_VERSION_BYTES)
  if (core === undefined) return undefined
  const release = readBlock(bytes, core.end, MAX_NPC_VERSION_BYTES)
  if (release === undefined) return undefined
  return {
    value: { core: lineText(core.bytes), release: lineText(unpadded(release.bytes)) },
    size: release.end,
  }
}

export function encodeNpcHello({ core, release }: NpcHello): Uint8Array {
  return joined(encodeLatin1(MAGIC), textBlock(core), textBlock(release))
}

/** What the server makes of the key: true is `sucs`, false `vkey`, after which it closes. */
export const decodeNpcVerdict: Decode<boolean> = (bytes) => {
  const tag = readTag(bytes, VERDICTS)
  return tag === undefined ? undefined : { value: tag === 'sucs', size: 4 }
}

export function encodeNpcVerdict(isRight: boolean): Uint8Array {
  return encodeLatin1(isRight ? 'sucs' : 'vkey')
}

/** @throws WireError WIRE_VALUE, WIRE_SYNTAX */
export const decodeNpcPurpose: Decode<NpcPurpose> = (bytes) => {
  const tag = readTag(bytes, PURPOSES)
  if (tag === undefined) return undefined
  if (tag === 'rgst') return readRegister(bytes)
  if (tag !== 'sert' && tag !== 'p2pm') return { value: { type: tag }, size: 4 }
  const passwordMd5 = readMd5Hex(bytes, 4)
  if (passwordMd5 === undefined) return undefined
  return { value: { type: tag === 'sert' ? 'secret' : 'p2p', passwordMd5 }, size: 4 + MD5_HEX_BYTES }
}

export function encodeNpcPurpose(purpose: NpcPurpose): Uint8Array {
  if (purpose.type === 'register') return joined(encodeText('rgst'), u32(purpose.hours))
  if (purpose.type === 'secret') return encodeText(`sert${purpose.passwordMd5}`)
  if (purpose.type === 'p2p') return encodeText(`p2pm${purpose.passwordMd5}`)
  return encodeText(purpose.type)
}

const MAGIC = 'TST'
const VERDICTS = ['sucs', 'vkey'] as const
const PURPOSES = ['main', 'chan', 'file', 'conf', 'rgst', 'sert', 'p2pm'] as const

/** Some forks fill it up with zeros. */
const unpadded = (bytes: Uint8Array): Uint8Array => {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end -= 1
  return bytes.subarray(0, end)
}

const readRegister: Decode<NpcPurpose> = (bytes) => {
  if (bytes.length < 8) return undefined
  const hours = readU32(bytes, 4)
  if (hours > 0x7fff_ffff) throw new WireError('WIRE_VALUE', 'a negative number of hours')
  return { value: { type: 'register', hours }, size: 8 }
}
