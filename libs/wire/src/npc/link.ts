import type { Decode } from '../decode.ts'
import { WireError } from '../wire-error.ts'
import { goBoolean, goInteger, type GoReader, goStruct, goText } from './go-json.ts'
import { jsonBlock, readJsonBlock } from './json-block.ts'

/** `http` has the client parse requests, and lose those that are pipelined: never ask for it. */
export const NPC_LINK_TYPES = ['tcp', 'udp', 'http', 'udp5'] as const

export type NpcLinkType = (typeof NPC_LINK_TYPES)[number]

/** What a stream is for: the first bytes that a server sends on it. The client answers nothing, or closes. */
export interface NpcLink {
  readonly type: NpcLinkType
  /** host:port of the target; a bare port is one of the client's own loopback. Empty for `udp5`. */
  readonly host: string
  /** TLS follows, with the client in the client's part. */
  readonly crypt: boolean
  /** Snappy frames follow; not where `crypt` is. */
  readonly compress: boolean
  readonly localProxy: boolean
  /** Of the visitor, host:port, for the log. */
  readonly remote: string
  /** To dial the target; 0 is for ever. Whole nanoseconds go over the wire. */
  readonly timeoutMs: number
  /** PROXY header for the target, which only some clients know: `V1`, `V2` or empty. */
  readonly proxyVersion: string
}

export const NPC_DIAL_TIMEOUT_MS = 5000

/** @throws WireError WIRE_TOO_LONG, WIRE_SYNTAX, WIRE_VALUE */
export const decodeNpcLink: Decode<NpcLink> = (bytes) => {
  const decoded = readJsonBlock(bytes, 0, link)
  if (decoded === undefined) return undefined
  const { value, size } = decoded
  return { value: linkOf(value), size }
}

export function encodeNpcLink(link: NpcLink): Uint8Array {
  return jsonBlock({
    ConnType: link.type,
    Host: link.host,
    Crypt: link.crypt,
    Compress: link.compress,
    LocalProxy: link.localProxy,
    RemoteAddr: link.remote,
    Option: { Timeout: Math.round(link.timeoutMs * NS_PER_MS) },
    // Not where it would be news to a client.
    ...(link.proxyVersion !== '' && { ProtoVersion: link.proxyVersion }),
  })
}

interface LinkJson {
  ConnType: string
  Host: string
  Crypt: boolean
  Compress: boolean
  LocalProxy: boolean
  RemoteAddr: string
  ProtoVersion: string
  Option: { Timeout: number }
}

const link: GoReader<LinkJson> = goStruct<LinkJson>({
  ConnType: goText,
  Host: goText,
  Crypt: goBoolean,
  Compress: goBoolean,
  LocalProxy: goBoolean,
  RemoteAddr: goText,
  ProtoVersion: goText,
  Option: goStruct<LinkJson['Option']>({ Timeout: goInteger }),
})

const NS_PER_MS = 1e6

function linkOf(json: LinkJson): NpcLink {
  const type = NPC_LINK_TYPES.find((known) => known === json.ConnType)
  if (type === undefined) throw new WireError('WIRE_VALUE', 'a stream of an unknown kind')
  if (json.Option.Timeout < 0) throw new WireError('WIRE_VALUE', 'a negative timeout')
  return {
    type,
    host: json.Host,
    crypt: json.Crypt,
    compress: json.Compress,
    localProxy: json.LocalProxy,
    remote: json.RemoteAddr,
    timeoutMs: json.Option.Timeout / NS_PER_MS,
    proxyVersion: json.ProtoVersion,
  }
}
