import { randomBytes, verify } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Address } from '@sluice/wire'
import {
  CAPABILITY,
  type Challenge,
  clientProof,
  type Connected,
  encodeRelayFrame,
  type Hello,
  type Incoming,
  NO_BINDING,
  type RelayFrame,
  relayFrameDecoder,
  relayProof,
} from '@sluice/wire/relay'
import { publicKeyOf } from '../ed25519.ts'
import { freshIdentity, type Identity } from '../identity.ts'

const decode = relayFrameDecoder(4096)

/** One frame type, narrowed. */
export type Frame<T extends RelayFrame['type']> = Extract<RelayFrame, { type: T }>

/** A conn of a peer as a test drives it: frames, and then octets. What is read waits until it is asked for. */
export class TestPeer implements Disposable {
  readonly socket: Socket
  readonly identity: Identity
  /** Why the conn broke, where it did. */
  error: Error | undefined = undefined
  ended = false
  closed = false
  #bytes: Buffer = Buffer.alloc(0)
  #wake: () => void = () => {}

  constructor(socket: Socket, identity: Identity) {
    this.socket = socket
    this.identity = identity
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      this.#wake()
    })
    socket.on('end', () => this.#over(() => (this.ended = true)))
    socket.on('error', (error) => this.#over(() => (this.error = error)))
    socket.on('close', () => this.#over(() => (this.closed = true)))
  }

  static async dial({ host, port }: Address, identity: Identity = freshIdentity()): Promise<TestPeer> {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true })
    await once(socket, 'connect')
    return new TestPeer(socket, identity)
  }

  /** Past WELCOME. */
  static async login(at: Address, identity: Identity = freshIdentity()): Promise<TestPeer> {
    const peer = await TestPeer.dial(at, identity)
    await peer.login()
    return peer
  }

  get id(): Uint8Array {
    return this.identity.nodeId
  }

  hello(changes: Partial<Hello> = {}): Hello {
    const capabilities = CAPABILITY.TTL_REQUEST
    const { publicKey } = this.identity
    return {
      type: 'hello',
      minVersion: 1,
      maxVersion: 1,
      capabilities,
      publicKey,
      nonce: randomBytes(32),
      ...changes,
    }
  }

  /** @returns the challenge, whose signature was right */
  async greet(hello: Hello): Promise<Challenge> {
    this.send(hello)
    const challenge = await this.frame('challenge')
    const right = verify(
      null,
      relayProof(hello, challenge, NO_BINDING),
      publicKeyOf(challenge.publicKey),
      challenge.signature,
    )
    if (!right) throw new Error('the relay does not have the key that it shows')
    return challenge
  }

  async login(token?: Uint8Array): Promise<Frame<'welcome'>> {
    const hello = this.hello()
    const challenge = await this.greet(hello)
    this.send({
      type: 'auth',
      signature: this.identity.sign(clientProof(hello, challenge, NO_BINDING)),
      token,
    })
    return this.frame('welcome')
  }

  send(...frames: RelayFrame[]): void {
    this.socket.write(Buffer.concat(frames.map((frame) => encodeRelayFrame(frame))))
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes)
  }

  /** The next frame. @throws where the conn is over before */
  async read(): Promise<RelayFrame> {
    return this.#until(() => {
      const decoded = this.#bytes.length > 0 ? decode(this.#bytes) : undefined
      if (decoded !== undefined) this.#bytes = this.#bytes.subarray(decoded.size)
      return decoded?.value
    })
  }

  /** The next frame, which has to be this one. */
  async frame<T extends RelayFrame['type']>(type: T): Promise<Frame<T>> {
    const frame = await this.read()
    if (frame.type !== type) throw new Error(`${JSON.stringify(frame)} in the place of ${type}`)
    return frame as Frame<T>
  }

  /** So many octets. */
  async octets(size: number): Promise<Buffer> {
    return this.#until(() => {
      if (this.#bytes.length < size) return undefined
      const taken = this.#bytes.subarray(0, size)
      this.#bytes = this.#bytes.subarray(size)
      return taken
    })
  }

  /** All that comes until the other side ends. @throws where it breaks */
  async rest(): Promise<Buffer> {
    await this.#until(() => (this.ended ? true : undefined))
    return this.#bytes
  }

  /** Until the conn is no more. @returns how: an ordinary end, or a reset */
  async over(): Promise<'end' | 'reset'> {
    for (;;) {
      if (this.error !== undefined) return 'reset'
      if (this.ended || this.closed) return 'end'
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** A reservation on this conn. */
  async reserve(ttl = 0): Promise<Frame<'reserveResponse'>> {
    this.send({ type: 'reserve', ttl })
    const response = await this.frame('reserveResponse')
    if (response.status === 0) await this.frame('reservation')
    return response
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }

  #over(note: () => void): void {
    note()
    this.#wake()
  }

  async #until<T>(take: () => T | undefined): Promise<T> {
    for (;;) {
      const value = take()
      if (value !== undefined) return value
      if (this.ended || this.closed || this.error !== undefined) {
        throw new Error(
          `the conn is over (${this.error?.message ?? 'end'}), behind ${this.#bytes.toString('hex')}`,
        )
      }
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

export interface TestCircuit extends Disposable {
  readonly source: TestPeer
  readonly destination: TestPeer
  readonly control: TestPeer
  readonly incoming: Incoming
  /** What the source was told, and the destination. */
  readonly told: readonly [Connected, Connected]
}

/** A circuit to a peer of its own, or to the one behind `control`. */
export const openCircuit = async (
  at: Address,
  { control, source }: { control?: TestPeer; source?: TestPeer } = {},
): Promise<TestCircuit> => {
  const held = control ?? (await TestPeer.login(at))
  if (control === undefined) await held.reserve()
  const near = source ?? (await TestPeer.login(at))
  near.send({ type: 'connect', destination: held.id })
  const incoming = await held.frame('incoming')
  const far = await TestPeer.login(at, held.identity)
  far.send({ type: 'accept', circuitId: incoming.circuitId, token: incoming.token })
  const told = [await near.frame('connected'), await far.frame('connected')] as const
  const dispose = (): void => {
    for (const each of [held, near, far]) each[Symbol.dispose]()
  }
  return { source: near, destination: far, control: held, incoming, told, [Symbol.dispose]: dispose }
}
