import { PeerError } from '../peer/peer-error.ts'
import { joined } from './joined.ts'
import type { NoiseKeys, NoiseSuite } from './noise-suite.ts'
import { SymmetricState } from './symmetric-state.ts'

export type NoiseRole = 'initiator' | 'responder'

export interface HandshakeParts {
  readonly role: NoiseRole
  readonly prologue: Uint8Array
  readonly staticKeys: NoiseKeys
  readonly ephemeralKeys: NoiseKeys
}

/** What both directions are sealed under, 32 octets each. */
export interface TransportKeys {
  readonly send: Uint8Array
  readonly receive: Uint8Array
}

type Token = 'e' | 's' | 'ee' | 'es' | 'se'

/** The pattern XX (Noise §7.5), the initiator's messages being the first and the third. */
const PATTERN: readonly (readonly Token[])[] = [['e'], ['e', 'ee', 's', 'es'], ['s', 'se']]
const KEY_BYTES = 32
const TAG_BYTES = 16

/**
 * One side of a handshake of Noise_XX_25519_AESGCM_SHA256 (Noise, revision 34). Its three messages are written and read in
 * turn; one that fails ends it.
 */
export class XxHandshake {
  readonly #state: SymmetricState
  readonly #parts: HandshakeParts
  readonly #isInitiator: boolean
  #step = 0
  #theirs: { e?: Uint8Array; s?: Uint8Array } = {}

  constructor(suite: NoiseSuite, parts: HandshakeParts) {
    this.#state = new SymmetricState(suite)
    this.#state.mixHash(parts.prologue)
    this.#parts = parts
    this.#isInitiator = parts.role === 'initiator'
  }

  /** The static key of the other side, once a message has brought it. */
  get remoteStatic(): Uint8Array {
    if (this.#theirs.s === undefined) throw new Error('the other side has not said its key yet')
    return this.#theirs.s
  }

  /** Hash of all that was said; binds what comes later to this handshake. */
  get hash(): Uint8Array {
    return this.#state.hash
  }

  /** The next message. @throws PeerError PEER_NOISE */
  async write(payload: Uint8Array): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    for (const token of this.#next(true)) {
      if (token === 'e') parts.push(this.#writeEphemeral())
      else if (token === 's') parts.push(await this.#state.seal(this.#parts.staticKeys.publicKey))
      else await this.#mix(token)
    }
    parts.push(await this.#state.seal(payload))
    return joined(...parts)
  }

  /** The payload of the other side's next message. @throws PeerError PEER_NOISE */
  async read(message: Uint8Array): Promise<Uint8Array> {
    let left = message
    const take = (bytes: number): Uint8Array => {
      if (left.length < bytes) throw new PeerError('PEER_NOISE', 'a message of the handshake is too short')
      const taken = new Uint8Array(left.subarray(0, bytes))
      left = left.subarray(bytes)
      return taken
    }
    for (const token of this.#next(false)) {
      if (token === 'e') this.#state.mixHash((this.#theirs.e = take(KEY_BYTES)))
      else if (token === 's') this.#theirs.s = await this.#state.open(take(KEY_BYTES + TAG_BYTES))
      else await this.#mix(token)
    }
    return this.#state.open(left)
  }

  /** Behind the third message. */
  split(): TransportKeys {
    if (this.#step !== PATTERN.length) throw new Error('the handshake is not over')
    const [first, second] = this.#state.split()
    return this.#isInitiator ? { send: first, receive: second } : { send: second, receive: first }
  }

  #next(isWritten: boolean): readonly Token[] {
    const isTheirTurn = (this.#step % 2 === 0) !== this.#isInitiator
    const tokens = PATTERN[this.#step]
    if (tokens === undefined || isTheirTurn === isWritten) throw new Error('out of turn')
    this.#step++
    return tokens
  }

  #writeEphemeral(): Uint8Array {
    const { publicKey } = this.#parts.ephemeralKeys
    this.#state.mixHash(publicKey)
    return publicKey
  }

  /** The first letter is the initiator's key, the second the responder's. */
  async #mix(token: 'ee' | 'es' | 'se'): Promise<void> {
    const [initiator, responder] = [token[0] as 'e' | 's', token[1] as 'e' | 's']
    const [ours, theirs] = this.#isInitiator ? [initiator, responder] : [responder, initiator]
    const keys = ours === 'e' ? this.#parts.ephemeralKeys : this.#parts.staticKeys
    this.#state.mixKey(await secretOf(keys, this.#theirs[theirs]!))
  }
}

const secretOf = async (keys: NoiseKeys, theirs: Uint8Array): Promise<Uint8Array> => {
  try {
    return await keys.dh(theirs)
  } catch (cause) {
    throw new PeerError('PEER_NOISE', 'a key that gives no secret', { cause })
  }
}
