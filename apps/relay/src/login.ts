import { randomBytes } from 'node:crypto'
import { ServiceError } from '@sluice/service'
import { type Address, type Decode, formatAddress } from '@sluice/wire'
import {
  type Auth,
  CAPABILITY,
  type Challenge,
  type CircuitTerms,
  clientProof,
  encodeRelayFrame,
  type Hello,
  MAX_BODY,
  NO_BINDING,
  RELAY_STATUS,
  type RelayFrame,
  relayFrameDecoder,
  relayProof,
} from '@sluice/wire/relay'
import type { Channel } from './channel.ts'
import type { Identity } from './identity.ts'
import type { KnownKeys } from './known-keys.ts'
import { peerOf, type Who } from './who.ts'

/** What the relay tells those who come in. */
export interface Terms extends CircuitTerms {
  /** Seconds. */
  readonly pingInterval: number
  readonly idleTimeout: number
  /** Circuits that a peer may have at a time; 0: any number. */
  readonly circuits: number
}

/** As whom somebody comes in. */
export type Admitted = Pick<Who, 'account' | 'credential'>

/** Who may come in. */
export interface Admission {
  /** Whether whoever comes from there is kept out. */
  isOut(ip: string): boolean
  /** Asked first, as it costs nothing. @throws ServiceError PEER_BANNED */
  screen(id: string, ip: string): void
  /** Whoever has proven to be `id`. @throws ServiceError PEER_DENIED, AUTH_FAILED */
  admit(id: string, token: Uint8Array | undefined): Admitted
  /** Asked again once the request is there, as that may take a while. @throws ServiceError CREDENTIAL_CHANGED, PEER_DENIED */
  confirm?(admitted: Admitted): void
}

export interface LoginParts {
  readonly identity: Identity
  readonly admission: Admission
  readonly keys: KnownKeys
  readonly terms: () => Terms
}

export interface LoggedIn {
  readonly who: Who
  /** The peer's first request, where reading it told that there is no HELLO. */
  readonly first: RelayFrame | undefined
  /** What the peer is to be told now, before all else. */
  readonly welcome: Uint8Array
}

/** The one version that there is. */
const VERSION = 1
/** Of a frame. */
const HEAD_BYTES = 4

/** Before and after a peer has proven who it is. */
export const readUnknown: Decode<RelayFrame> = relayFrameDecoder(MAX_BODY.BEFORE_AUTH)
export const readKnown: Decode<RelayFrame> = relayFrameDecoder(MAX_BODY.AFTER_AUTH)

/**
 * Finds out who is there: HELLO, CHALLENGE, AUTH and WELCOME, or the certificate alone where the first frame is a request.
 * @throws ServiceError with what was wrong, of which the peer has not been told; WireError, NetError
 */
export const login = async (channel: Channel, parts: LoginParts): Promise<LoggedIn> => {
  const { reader } = channel
  reader.maxBytes = HEAD_BYTES + MAX_BODY.BEFORE_AUTH
  const first = await reader.read(readUnknown)
  const isRequest = first.type === 'reserve' || first.type === 'connect' || first.type === 'accept'
  const clientKey = isRequest ? channel.clientKey() : undefined
  let who: Who
  if (first.type === 'hello') who = await prove(channel, first, parts)
  else if (isRequest && clientKey !== undefined) who = byCertificate(clientKey, channel, parts)
  else if (isRequest) throw new ServiceError('AUTH_REQUIRED', 'a request before HELLO')
  else throw new ServiceError('MESSAGE_UNEXPECTED', `${first.type} before HELLO`)
  reader.maxBytes = HEAD_BYTES + MAX_BODY.AFTER_AUTH
  const isGreeted = first.type === 'hello'
  return {
    who,
    first: isGreeted ? undefined : first,
    welcome: isGreeted ? welcomeOf(channel.client, parts.terms()) : NOTHING,
  }
}

const byCertificate = (
  publicKey: Uint8Array,
  { client, token }: Channel,
  { admission, keys }: LoginParts,
): Who => {
  const ids = peerOf(keys.of(publicKey), client.host)
  admission.screen(ids.id, client.host)
  return { ...ids, ...admission.admit(ids.id, token), capabilities: 0, isSeed: true }
}

const prove = async (channel: Channel, hello: Hello, parts: LoginParts): Promise<Who> => {
  const { conn, client } = channel
  const { identity, admission, keys } = parts
  if (hello.minVersion > VERSION) {
    throw new ServiceError('VERSION_UNSUPPORTED', `wants version ${hello.minVersion} or newer`)
  }
  const key = keys.of(hello.publicKey)
  admission.screen(key.id, client.host)
  key.check()
  const keying = channel.binding()
  const capabilities = commonOf(hello, keying)
  const challenge = { ...challengeOf(identity, capabilities) }
  const binding = capabilities & CAPABILITY.CHANNEL_BINDING ? keying! : NO_BINDING
  challenge.signature = identity.sign(relayProof(hello, challenge, binding))
  conn.write(encodeRelayFrame(challenge))
  const auth = await readAuth(channel)
  if (!key.verifies(clientProof(hello, challenge, binding), auth.signature)) {
    throw new ServiceError('AUTH_FAILED', 'the signature is not of that key, or for another conn')
  }
  const admitted = admission.admit(key.id, auth.token ?? channel.token)
  keys.remember(key)
  return { ...peerOf(key, client.host), ...admitted, capabilities, isSeed: false }
}

const readAuth = async ({ reader }: Channel): Promise<Auth> => {
  const frame = await reader.read(readUnknown)
  if (frame.type !== 'auth')
    throw new ServiceError('MESSAGE_UNEXPECTED', `${frame.type} in the place of AUTH`)
  return frame
}

const commonOf = (hello: Hello, binding: Uint8Array | undefined): number =>
  hello.capabilities & (CAPABILITY.TTL_REQUEST | (binding === undefined ? 0 : CAPABILITY.CHANNEL_BINDING))

const challengeOf = (
  { publicKey }: Identity,
  capabilities: number,
): { -readonly [K in keyof Challenge]: Challenge[K] } => ({
  type: 'challenge',
  version: VERSION,
  capabilities,
  publicKey,
  nonce: randomBytes(32),
  signature: NO_SIGNATURE,
})

const NOTHING = new Uint8Array(0)
const NO_SIGNATURE = new Uint8Array(64)

const welcomeOf = (client: Address, terms: Terms): Uint8Array =>
  encodeRelayFrame({
    type: 'welcome',
    sessionId: randomBytes(16),
    ...terms,
    observed: formatAddress(client),
  })

/** Why somebody is not let in: their last frame. */
export const unwelcome = (status: number, reason: string): Uint8Array =>
  encodeRelayFrame({
    type: 'unwelcome',
    status: status === RELAY_STATUS.OK ? RELAY_STATUS.INTERNAL_ERROR : status,
    reason,
  })
