import type { Decode } from '../decode.ts'
import { encodeText, FieldReader, FieldWriter } from '../fields.ts'
import { WireError } from '../wire-error.ts'
import { JsonFields } from './json-fields.ts'

/** What both ends ask for by ALPN (RFC 7301). */
export const BRIDGE_ALPN = 'sluice-nps/1'
/** RFC 5705 label of the keying material that signatures are bound to; no context. */
export const BRIDGE_EXPORTER_LABEL = 'EXPORTER-sluice-nps-v1'
export const BRIDGE_KEYING_BYTES = 32
/** The one that there is. */
export const BRIDGE_VERSION = 1
/** Of the JSON of a login or a verdict. */
export const MAX_BRIDGE_JSON_BYTES = 1024

const MAGIC = encodeText('sluice-nps')
const KEY_BYTES = 32
const NONCE_BYTES = 32
const SIGNATURE_BYTES = 64

/** The first words, of the server: magic 10, version 1, nonce 32 octets. */
export interface BridgeChallenge {
  /** The newest that it speaks. */
  readonly version: number
  /** 32 octets. */
  readonly nonce: Uint8Array
}

/** Of the client: version 1, key 32, nonce 32, length 2, info, signature 64 octets. */
export interface BridgeLogin {
  /** Raw Ed25519, 32 octets (RFC 8032). */
  readonly publicKey: Uint8Array
  /** 32 octets. */
  readonly nonce: Uint8Array
  /** JSON, see {@link readBridgeInfo}. */
  readonly info: string
  /** 64 octets over {@link clientTranscript}. */
  readonly signature: Uint8Array
}

/** Whether the client is let in. New ones may come: what is not known is a refusal that may end. */
export const BRIDGE_VERDICT = { OK: 0, AUTH_FAILED: 1, NOT_NOW: 2 } as const

/** Of the server: code 1, key 32, length 2, body, signature 64 octets. */
export interface BridgeVerdict {
  readonly code: number
  /** Raw Ed25519: the server's, 32 octets. */
  readonly publicKey: Uint8Array
  /** JSON: see {@link readBridgeTerms} and {@link readBridgeRefusal}. */
  readonly body: string
  /** 64 octets over {@link serverTranscript}. */
  readonly signature: Uint8Array
}

/** @throws WireError WIRE_VERSION */
export const decodeBridgeChallenge: Decode<BridgeChallenge> = (bytes) => {
  const known = Math.min(bytes.length, MAGIC.length)
  for (let i = 0; i < known; i += 1) {
    if (bytes[i] !== MAGIC[i]) throw new WireError('WIRE_VERSION', 'no bridge of tunnels speaks there')
  }
  const version = bytes[MAGIC.length]
  if (version === undefined) return undefined
  if (version < BRIDGE_VERSION) throw new WireError('WIRE_VERSION', `version ${version} of the bridge`)
  const at = MAGIC.length + 1
  const size = at + NONCE_BYTES
  if (bytes.length < size) return undefined
  return { value: { version, nonce: new Uint8Array(bytes.subarray(at, size)) }, size }
}

export const encodeBridgeChallenge = ({ version, nonce }: BridgeChallenge): Uint8Array =>
  new FieldWriter().bytes(MAGIC).u8(version).bytes(nonce).done()

/** @throws WireError WIRE_VERSION, WIRE_TOO_LONG, WIRE_SYNTAX */
export const decodeBridgeLogin: Decode<BridgeLogin> = (bytes) => {
  if (bytes.length === 0) return undefined
  if (bytes[0] !== BRIDGE_VERSION) throw new WireError('WIRE_VERSION', 'another version of the bridge')
  return decodeSigned(bytes, 1 + KEY_BYTES + NONCE_BYTES, (fields) => {
    fields.u8()
    const [publicKey, nonce] = [fields.bytes(KEY_BYTES), fields.bytes(NONCE_BYTES)]
    return {
      publicKey,
      nonce,
      info: fields.text(fields.u16()),
      signature: fields.bytes(SIGNATURE_BYTES),
    }
  })
}

export const encodeBridgeLogin = (login: BridgeLogin): Uint8Array =>
  loginFields(login).bytes(login.signature).done()

/** @throws WireError WIRE_TOO_LONG, WIRE_SYNTAX */
export const decodeBridgeVerdict: Decode<BridgeVerdict> = (bytes) =>
  decodeSigned(bytes, 1 + KEY_BYTES, (fields) => ({
    code: fields.u8(),
    publicKey: fields.bytes(KEY_BYTES),
    body: fields.text(fields.u16()),
    signature: fields.bytes(SIGNATURE_BYTES),
  }))

export const encodeBridgeVerdict = (verdict: BridgeVerdict): Uint8Array =>
  verdictFields(verdict).bytes(verdict.signature).done()

/** What the client signs. @param keying of the TLS conn, 32 octets */
export const clientTranscript = (
  challenge: BridgeChallenge,
  login: Omit<BridgeLogin, 'signature'>,
  keying: Uint8Array,
): Uint8Array =>
  new FieldWriter()
    .bytes(encodeText('sluice-nps/1 client\0'))
    .bytes(encodeBridgeChallenge(challenge))
    .append(loginFields(login))
    .bytes(keying)
    .done()

/** What the server signs. @param keying of the TLS conn, 32 octets */
export const serverTranscript = (
  challenge: BridgeChallenge,
  login: BridgeLogin,
  verdict: Omit<BridgeVerdict, 'signature'>,
  keying: Uint8Array,
): Uint8Array =>
  new FieldWriter()
    .bytes(encodeText('sluice-nps/1 server\0'))
    .bytes(encodeBridgeChallenge(challenge))
    .bytes(encodeBridgeLogin(login))
    .append(verdictFields(verdict))
    .bytes(keying)
    .done()

/** What a client program comes for: to take visitors of its client's tunnels, or only to open streams itself. */
export type BridgeRole = 'serve' | 'visit'

/** Who the client program is. */
export interface BridgeInfo {
  readonly role: BridgeRole
  readonly version: string
  readonly host: string
  readonly os: string
  /** 32 hex digits, new at each start of a program: a later conn with the same takes the place of the older one. */
  readonly instance: string
}

/** @throws WireError WIRE_SYNTAX, WIRE_VALUE */
export const readBridgeInfo = (json: string): BridgeInfo => {
  const fields = new JsonFields(json)
  const instance = fields.text('instance', 32)
  if (!/^[0-9a-f]{32}$/.test(instance)) throw new WireError('WIRE_VALUE', 'instance is not 32 hex digits')
  const role = fields.text('role', 16)
  if (role !== 'serve' && role !== 'visit') throw new WireError('WIRE_VALUE', 'an unknown role')
  const [version, host, os] = ['version', 'host', 'os'].map((name) => fields.text(name, 128)) as Three
  return { role, version, host, os, instance }
}

type Three = [string, string, string]

/** What holds for a client that is let in. */
export interface BridgeTerms {
  /** Its id at the server. */
  readonly client: number
  /** How often whoever hears nothing asks whether the other is there. */
  readonly pingMs: number
  /** Without a word for so long, the other is taken to be gone. */
  readonly deadMs: number
  /** Open at a time, of both directions together. */
  readonly maxStreams: number
}

/** @throws WireError WIRE_SYNTAX, WIRE_VALUE */
export const readBridgeTerms = (json: string): BridgeTerms => {
  const fields = new JsonFields(json)
  return {
    client: fields.whole('client', 1, Number.MAX_SAFE_INTEGER),
    pingMs: fields.whole('pingMs', 100, 3_600_000),
    deadMs: fields.whole('deadMs', 100, 3_600_000),
    maxStreams: fields.whole('maxStreams', 1, 1_000_000),
  }
}

/** Why a client is not let in. */
export interface BridgeRefusal {
  /** Of the table of outcomes, such as USER_DISABLED. */
  readonly code: string
  /** For people. */
  readonly text: string
}

/** @throws WireError WIRE_SYNTAX, WIRE_VALUE */
export const readBridgeRefusal = (json: string): BridgeRefusal => {
  const fields = new JsonFields(json)
  return { code: fields.text('code', 64), text: fields.text('text', 512) }
}

const loginFields = ({ publicKey, nonce, info }: Omit<BridgeLogin, 'signature'>): FieldWriter =>
  new FieldWriter().u8(BRIDGE_VERSION).bytes(publicKey).bytes(nonce).text16(info)

const verdictFields = ({ code, publicKey, body }: Omit<BridgeVerdict, 'signature'>): FieldWriter =>
  new FieldWriter().u8(code).bytes(publicKey).text16(body)

/** `head` octets, the length of a text in two, the text, a signature. */
const decodeSigned = <T>(
  bytes: Uint8Array,
  head: number,
  read: (fields: FieldReader) => T,
): ReturnType<Decode<T>> => {
  if (bytes.length < head + 2) return undefined
  const textSize = (bytes[head]! << 8) | bytes[head + 1]!
  if (textSize > MAX_BRIDGE_JSON_BYTES) {
    throw new WireError('WIRE_TOO_LONG', `more than ${MAX_BRIDGE_JSON_BYTES} octets of JSON`)
  }
  const size = head + 2 + textSize + SIGNATURE_BYTES
  if (bytes.length < size) return undefined
  return { value: read(new FieldReader(bytes.subarray(0, size))), size }
}
