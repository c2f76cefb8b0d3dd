/** How a method protects its bytes: which document says so. */
export type SsKind =
  /** SIP004: AEAD under a session key that HKDF-SHA1 makes of the password. */
  | 'aead'
  /** SIP022: AEAD under a session key that BLAKE3 makes of a key of full length, with times and replay checks. */
  | '2022'
  /** An IV and a stream cipher: anyone can change what passes. */
  | 'stream'
  /** Nothing at all. */
  | 'none'

/** One encryption method. */
export interface SsMethod {
  /** As configurations and URIs write it. */
  readonly name: string
  readonly kind: SsKind
  /** Length of a master key, and of a session key. */
  readonly keyBytes: number
  /** Of the salt in front of each direction and datagram; of a stream cipher, its IV. */
  readonly saltBytes: number
  /** Of the tag behind each sealed piece. */
  readonly tagBytes: number
  /** Name of the cipher in node:crypto; undefined where it has none. */
  readonly cipher: string | undefined
}

const aead = (name: string, keyBytes: number, cipher?: string): SsMethod => {
  const kind = name.startsWith('2022-') ? '2022' : 'aead'
  return { name, kind, keyBytes, saltBytes: keyBytes, tagBytes: 16, cipher }
}

const cfb = (bits: number): SsMethod => {
  const name = `aes-${bits}-cfb`
  return { name, kind: 'stream', keyBytes: bits / 8, saltBytes: 16, tagBytes: 0, cipher: name }
}

const TABLE: readonly SsMethod[] = [
  aead('aes-128-gcm', 16, 'aes-128-gcm'),
  aead('aes-192-gcm', 24, 'aes-192-gcm'),
  aead('aes-256-gcm', 32, 'aes-256-gcm'),
  aead('chacha20-ietf-poly1305', 32, 'chacha20-poly1305'),
  aead('xchacha20-ietf-poly1305', 32),
  aead('2022-blake3-aes-128-gcm', 16, 'aes-128-gcm'),
  aead('2022-blake3-aes-256-gcm', 32, 'aes-256-gcm'),
  aead('2022-blake3-chacha20-poly1305', 32, 'chacha20-poly1305'),
  cfb(128),
  cfb(192),
  cfb(256),
  { name: 'none', kind: 'none', keyBytes: 0, saltBytes: 0, tagBytes: 0, cipher: undefined },
]

const METHODS: ReadonlyMap<string, SsMethod> = new Map(TABLE.map((method) => [method.name, method]))

/** What other programs call some of them. */
const ALIASES: Readonly<Record<string, string>> = {
  'chacha20-poly1305': 'chacha20-ietf-poly1305',
  'xchacha20-poly1305': 'xchacha20-ietf-poly1305',
  plain: 'none',
}

/** Names of all methods. */
export const SS_METHOD_NAMES: readonly string[] = TABLE.map(({ name }) => name)

/** The method of this name, in any case; undefined where there is none. */
export const ssMethod = (name: string): SsMethod | undefined => {
  const lower = name.toLowerCase()
  return METHODS.get(Object.hasOwn(ALIASES, lower) ? ALIASES[lower]! : lower)
}

/** Whether nobody on the way can read or change what passes. */
export const isSecure = ({ kind }: SsMethod): boolean => kind === 'aead' || kind === '2022'
