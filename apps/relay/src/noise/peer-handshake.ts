import { formatNodeId, nodeIdOf } from '@sluice/wire/relay'
import { isSame, type PeerIdentity, type Verify } from '../peer/identity.ts'
import { PeerError } from '../peer/peer-error.ts'
import { joined } from './joined.ts'
import type { NoiseSuite } from './noise-suite.ts'
import { type NoiseRole, type TransportKeys, XxHandshake } from './xx-handshake.ts'

/** Most octets that a message of this handshake has; `handshakeMessage` reads no more. */
export const MAX_HANDSHAKE_MESSAGE = 192

const PUBLIC_KEY_BYTES = 32
const IDENTITY_BYTES = PUBLIC_KEY_BYTES + 64
/** In what is signed: so that nobody's word comes back as that of the other side. */
const ROLE: Readonly<Record<NoiseRole, number>> = { initiator: 0, responder: 1 }
const EMPTY = new Uint8Array(0)

/** Whole messages of the handshake, without their lengths. */
export interface MessagePort {
  send(message: Uint8Array): void
  receive(): Uint8Array | Promise<Uint8Array>
}

export interface PeerHandshakeOptions {
  readonly suite: NoiseSuite
  /** The source of a circuit is the initiator. */
  readonly role: NoiseRole
  readonly identity: PeerIdentity
  readonly verify: Verify
  /** NodeID of the one that has to be at the other end. */
  readonly expected: Uint8Array
}

/** What a handshake has given. */
export interface Secured {
  readonly keys: TransportKeys
  /** The other peer's identity, proven. */
  readonly publicKey: Uint8Array
  /** The same on both sides, and on no other circuit. */
  readonly hash: Uint8Array
}

/**
 * Noise XX between the two ends of a circuit, each of which proves by its identity key that the static key of this circuit
 * is its own; see `docs/protocols/relay.md`.
 * @throws PeerError PEER_NOISE, PEER_IDENTITY, and what `port` throws
 */
export const securePeers = async (port: MessagePort, options: PeerHandshakeOptions): Promise<Secured> => {
  const { suite, role, identity, expected } = options
  const own = nodeIdOf(identity.publicKey)
  const [source, destination] = role === 'initiator' ? [own, expected] : [expected, own]
  const staticKeys = await suite.generateKeys()
  const ephemeralKeys = await suite.generateKeys()
  const prologue = joined(encode('sluice-relay/1\0'), source, destination)
  const handshake = new XxHandshake(suite, { role, prologue, staticKeys, ephemeralKeys })
  const proof = joined(identity.publicKey, await identity.sign(signedBytes(role, staticKeys.publicKey)))
  const publicKey =
    role === 'initiator'
      ? await initiate(port, handshake, options, proof)
      : await respond(port, handshake, options, proof)
  return { keys: handshake.split(), publicKey, hash: handshake.hash }
}

const initiate = async (
  port: MessagePort,
  handshake: XxHandshake,
  options: PeerHandshakeOptions,
  proof: Uint8Array,
): Promise<Uint8Array> => {
  port.send(await handshake.write(EMPTY))
  const payload = await handshake.read(await port.receive())
  const publicKey = await proven(payload, handshake, options)
  port.send(await handshake.write(proof))
  return publicKey
}

const respond = async (
  port: MessagePort,
  handshake: XxHandshake,
  options: PeerHandshakeOptions,
  proof: Uint8Array,
): Promise<Uint8Array> => {
  const greeting = await handshake.read(await port.receive())
  if (greeting.length > 0) throw new PeerError('PEER_NOISE', 'a first message with a payload')
  port.send(await handshake.write(proof))
  const payload = await handshake.read(await port.receive())
  return proven(payload, handshake, options)
}

const proven = async (
  payload: Uint8Array,
  handshake: XxHandshake,
  { role, verify, expected }: PeerHandshakeOptions,
): Promise<Uint8Array> => {
  if (payload.length !== IDENTITY_BYTES) throw new PeerError('PEER_NOISE', 'not the proof of an identity')
  const publicKey = new Uint8Array(payload.subarray(0, PUBLIC_KEY_BYTES))
  const id = nodeIdOf(publicKey)
  if (!isSame(id, expected)) {
    throw new PeerError('PEER_IDENTITY', `wanted is ${formatNodeId(expected)}, this is ${formatNodeId(id)}`)
  }
  const signed = signedBytes(role === 'initiator' ? 'responder' : 'initiator', handshake.remoteStatic)
  if (!(await verify(publicKey, signed, payload.subarray(PUBLIC_KEY_BYTES)))) {
    throw new PeerError('PEER_IDENTITY', `a signature that is not that of ${formatNodeId(id)}`)
  }
  return publicKey
}

const signedBytes = (role: NoiseRole, staticKey: Uint8Array): Uint8Array =>
  joined(encode('sluice-relay/1 noise\0'), Uint8Array.of(ROLE[role]), staticKey)

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
