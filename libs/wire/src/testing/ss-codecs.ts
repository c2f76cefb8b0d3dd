import type { Decode } from '../decode.ts'
import {
  decodeSsRequest,
  encodeSsRequest,
  SS_METHOD_NAMES,
  type SsKey,
  type SsKind,
  ssKey,
  ssMethod,
  type SsRequest,
} from '../shadowsocks/index.ts'

/** Key of any method: of the 2022 methods the bytes 0, 1, 2 and so on, of the others that of `foobar`; or from `first` on. */
export function keyOf(name: string, first = 0): SsKey {
  const method = ssMethod(name)!
  if (method.kind !== '2022') return ssKey(method, `foobar${first || ''}`)
  return { method, bytes: countUp(method.keyBytes, first) }
}

/** The bytes `first`, `first + 1` and so on. */
export function countUp(length: number, first = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => first + index)
}

/** The names of the methods of these kinds. */
export const methodsOf = (...kinds: SsKind[]): string[] =>
  SS_METHOD_NAMES.filter((name) => kinds.includes(ssMethod(name)!.kind))

/** What can be compared of a request. */
export type SsRequestValue = Omit<SsRequest, 'opener'>

/** A request as a codec without state, so that it can be held to the laws of the others. */
export interface SsRequestCodec {
  readonly name: string
  readonly key: SsKey
  readonly decode: Decode<SsRequestValue>
  readonly encode: (value: SsRequestValue) => Uint8Array
}

export const ssRequestCodecs: readonly SsRequestCodec[] = [
  ssRequestCodec('aes-128-gcm'),
  ssRequestCodec('aes-256-gcm'),
  ssRequestCodec('chacha20-ietf-poly1305'),
  ssRequestCodec('xchacha20-ietf-poly1305'),
  ssRequestCodec('2022-blake3-aes-128-gcm'),
  ssRequestCodec('2022-blake3-aes-128-gcm', true),
  ssRequestCodec('2022-blake3-aes-256-gcm'),
  ssRequestCodec('2022-blake3-aes-256-gcm', true),
  ssRequestCodec('2022-blake3-chacha20-poly1305'),
  ssRequestCodec('aes-256-cfb'),
  ssRequestCodec('none'),
]

function ssRequestCodec(name: string, identity = false): SsRequestCodec {
  const key = keyOf(name, identity ? 0x40 : 0)
  const servers = identity ? [keyOf(name)] : []
  return {
    name: `shadowsocks request ${name}${identity ? ' with identity' : ''}`,
    key,
    decode: (bytes) => {
      const decoded = decodeSsRequest(key, { identity })(bytes)
      if (decoded === undefined) return undefined
      const { opener: _, ...value } = decoded.value
      return { value, size: decoded.size }
    },
    encode: ({ salt, target, early, seconds = 0 }) => {
      const padding = early.length === 0 ? 1 : 0
      return encodeSsRequest(key, salt, { target, early, seconds, padding, identity: servers }).bytes
    },
  }
}
