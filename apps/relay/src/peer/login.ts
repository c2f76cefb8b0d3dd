import {
  CAPABILITY,
  type Challenge,
  clientProof,
  formatNodeId,
  type Hello,
  NO_BINDING,
  nodeIdOf,
  type RelayFrame,
  relayProof,
  relayStatusName,
  type Welcome,
} from '@sluice/wire/relay'
import { answerOf, type FramePort } from './frame-port.ts'
import { isSame, type PeerIdentity, type Verify } from './identity.ts'
import { PeerError } from './peer-error.ts'

const VERSION = 1
const NONCE_BYTES = 32

export interface LoginOptions {
  readonly identity: PeerIdentity
  readonly verify: Verify
  /** So many random octets. */
  readonly random: (bytes: number) => Uint8Array
  /** NodeID that the relay must have. @default whoever answers */
  readonly relay?: Uint8Array | undefined
  /** Access token, 1 to 256 octets. */
  readonly token?: Uint8Array | undefined
  /**
   * Whether proofs have to be bound to the TLS below. Without, who stands in between can take the session over where nobody
   * checks the relay's certificate. @default false
   */
  readonly mustBind?: boolean | undefined
  /** The first request, sent right behind AUTH: a round trip less. Its answer follows the WELCOME. */
  readonly first?: RelayFrame | undefined
}

export interface LoggedIn {
  readonly welcome: Welcome
  /** Ed25519, 32 octets. */
  readonly relayKey: Uint8Array
  /** NodeID. */
  readonly relayId: Uint8Array
  /** Those that hold on both sides, see `CAPABILITY`. */
  readonly capabilities: number
}

/**
 * Proves to a relay who this peer is, and has it prove who it is before anything is told.
 * @throws PeerError RELAY_IDENTITY, RELAY_REFUSED, RELAY_GOAWAY, RELAY_PROTOCOL, and what `port` throws
 */
export const login = async (port: FramePort, options: LoginOptions): Promise<LoggedIn> => {
  const hello = helloOf(port, options)
  port.send(hello)
  const challenge = await answerOf(port, 'challenge', 'unwelcome')
  if (challenge.type === 'unwelcome') throw refused(challenge.status, challenge.reason)
  const capabilities = hello.capabilities & challenge.capabilities
  const binding = bindingOf(port, capabilities, options)
  await checkRelay(hello, challenge, binding, options)
  const signature = await options.identity.sign(clientProof(hello, challenge, binding))
  port.send({ type: 'auth', signature, token: options.token })
  if (options.first !== undefined) port.send(options.first)
  const welcome = await answerOf(port, 'welcome', 'unwelcome')
  if (welcome.type === 'unwelcome') throw refused(welcome.status, welcome.reason)
  const { publicKey: relayKey } = challenge
  return { welcome, relayKey, relayId: nodeIdOf(relayKey), capabilities }
}

const helloOf = (port: FramePort, { identity, random }: LoginOptions): Hello => ({
  type: 'hello',
  minVersion: VERSION,
  maxVersion: VERSION,
  capabilities: CAPABILITY.TTL_REQUEST | (port.binding === undefined ? 0 : CAPABILITY.CHANNEL_BINDING),
  publicKey: identity.publicKey,
  nonce: random(NONCE_BYTES),
})

const bindingOf = (port: FramePort, capabilities: number, { mustBind }: LoginOptions): Uint8Array => {
  if (port.binding !== undefined && (capabilities & CAPABILITY.CHANNEL_BINDING) !== 0) return port.binding
  if (mustBind !== true) return NO_BINDING
  throw new PeerError('RELAY_IDENTITY', 'the relay does not bind its proof to the TLS below')
}

const checkRelay = async (
  hello: Hello,
  challenge: Challenge,
  binding: Uint8Array,
  { relay, verify }: LoginOptions,
): Promise<void> => {
  if (challenge.version !== VERSION) {
    throw new PeerError(
      'RELAY_PROTOCOL',
      `the relay chose version ${challenge.version}, offered was ${VERSION}`,
    )
  }
  const id = nodeIdOf(challenge.publicKey)
  if (relay !== undefined && !isSame(id, relay)) {
    throw new PeerError(
      'RELAY_IDENTITY',
      `wanted is relay ${formatNodeId(relay)}, this is ${formatNodeId(id)}`,
    )
  }
  if (!(await verify(challenge.publicKey, relayProof(hello, challenge, binding), challenge.signature))) {
    throw new PeerError('RELAY_IDENTITY', `a signature that is not that of relay ${formatNodeId(id)}`)
  }
}

/** What a relay said no to. @param more see `PeerErrorOptions` */
export const refused = (
  status: number,
  reason: string,
  more: { readonly retryAfter?: number; readonly address?: string } = {},
): PeerError => {
  const name = relayStatusName(status)
  const text = reason === '' ? name : `${name}, ${reason}`
  return new PeerError('RELAY_REFUSED', `the relay refused: ${text}`, { status, reason, ...more })
}
