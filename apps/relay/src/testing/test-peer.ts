import { createPrivateKey, randomBytes, verify } from 'node:crypto'
import {
  type Conn,
  type ConnSink,
  connectTls,
  createDial,
  identityCertificate,
  keyingMaterial,
} from '@sluice/net'
import { requestWebSocket } from '@sluice/net/ws'
import { type Address, formatAddress } from '@sluice/wire'
import {
  CAPABILITY,
  type Challenge,
  clientProof,
  type Connected,
  encodeRelayFrame,
  EXPORTER_LABEL,
  type Hello,
  type Incoming,
  NO_BINDING,
  type RelayFrame,
  relayFrameDecoder,
  relayProof,
  type RelayTransport,
} from '@sluice/wire/relay'
import { publicKeyOf } from '@sluice/service'
import { freshIdentity, type Identity } from '../identity.ts'
import { SUBPROTOCOL } from '../transport.ts'

const decode = relayFrameDecoder(4096)

/** One frame type, narrowed. */
export type Frame<T extends RelayFrame['type']> = Extract<RelayFrame, { type: T }>

/** How a test comes to a relay. */
export interface DialOptions {
  readonly identity?: Identity
  /** @default tcp */
  readonly transport?: RelayTransport
  /** Over TLS: show a certificate of the identity. */
  readonly certificate?: boolean
  /** Of a WebSocket: behind the host. @default / */
  readonly path?: string
  readonly origin?: string
}

const dial = createDial({ policy: { check: () => {} } })

const carried = async (at: Address, identity: Identity, options: DialOptions): Promise<Conn> => {
  const { transport = 'tcp', certificate = false, path = '/', origin } = options
  const { signal } = new AbortController()
  const conn = await dial(at, signal)
  if (transport === 'tls' || transport === 'wss') {
    const shown = certificate ? identityCertificate(createPrivateKey(identity.privateKeyPem)) : undefined
    await connectTls(conn, { name: 'relay', takesAnyCert: true, identity: shown }, signal)
  }
  if (transport === 'tcp' || transport === 'tls') return conn
  const fields = origin === undefined ? [] : [['Origin', origin] as const]
  const url = `${transport}://${formatAddress(at)}${path}`
  return requestWebSocket(conn, url, { signal, subprotocol: SUBPROTOCOL, fields })
}

/** A conn of a peer as a test drives it: frames, and then octets. What is read waits until it is asked for. */
export class TestPeer implements Disposable, ConnSink {
  readonly conn: Conn
  readonly identity: Identity
  /** Why the conn broke, where it did. */
  error: Error | undefined = undefined
  ended = false
  closed = false
  #bytes: Buffer = Buffer.alloc(0)
  #wake: () => void = () => {}

  constructor(conn: Conn, identity: Identity) {
    this.conn = conn
    this.identity = identity
    conn.attach(this)
    conn.resume()
  }

  static async dial(at: Address, options: DialOptions = {}): Promise<TestPeer> {
    const { identity = freshIdentity() } = options
    return new TestPeer(await carried(at, identity, options), identity)
  }

  /** Past WELCOME. */
  static async login(at: Address, options: DialOptions = {}): Promise<TestPeer> {
    const peer = await TestPeer.dial(at, options)
    await peer.login()
    return peer
  }

  onData(chunk: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    this.#wake()
  }

  onEnd(): void {
    this.#over(() => (this.ended = true))
  }

  onDrain(): void {}

  onClose(error: Error | undefined): void {
    this.#over(() => {
      this.closed = true
      this.error = error
    })
  }

  /** Keying material of the TLS below. */
  get binding(): Uint8Array | undefined {
    return keyingMaterial(this.conn, EXPORTER_LABEL, 32)
  }

  get id(): Uint8Array {
    return this.identity.nodeId
  }

  hello(changes: Partial<Hello> = {}): Hello {
    const capabilities = CAPABILITY.TTL_REQUEST | CAPABILITY.CHANNEL_BINDING
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
    const proof = relayProof(hello, challenge, this.#bindingOf(challenge))
    const isRight = verify(null, proof, publicKeyOf(challenge.publicKey), challenge.signature)
    if (!isRight) throw new Error('the relay does not have the key that it shows')
    return challenge
  }

  /** The proof of this peer. */
  sign(hello: Hello, challenge: Challenge): Uint8Array {
    return this.identity.sign(clientProof(hello, challenge, this.#bindingOf(challenge)))
  }

  async login(token?: Uint8Array): Promise<Frame<'welcome'>> {
    const hello = this.hello()
    const challenge = await this.greet(hello)
    this.send({ type: 'auth', signature: this.sign(hello, challenge), token })
    return this.frame('welcome')
  }

  #bindingOf({ capabilities }: Challenge): Uint8Array {
    return capabilities & CAPABILITY.CHANNEL_BINDING ? this.binding! : NO_BINDING
  }

  send(...frames: RelayFrame[]): void {
    this.conn.write(Buffer.concat(frames.map((frame) => encodeRelayFrame(frame))))
  }

  write(bytes: Uint8Array | string): void {
    this.conn.write(Buffer.from(bytes as Uint8Array))
  }

  /** No more octets this way. */
  end(): void {
    this.conn.end()
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
    this.conn.destroy()
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

export interface CircuitOptions {
  readonly control?: TestPeer
  readonly source?: TestPeer
  /** How the destination comes for the circuit. */
  readonly dial?: DialOptions
}

/** A circuit to a peer of its own, or to the one behind `control`. */
export const openCircuit = async (at: Address, options: CircuitOptions = {}): Promise<TestCircuit> => {
  const held = options.control ?? (await TestPeer.login(at))
  if (options.control === undefined) await held.reserve()
  const near = options.source ?? (await TestPeer.login(at))
  near.send({ type: 'connect', destination: held.id })
  const incoming = await held.frame('incoming')
  const far = await TestPeer.login(at, { ...options.dial, identity: held.identity })
  far.send({ type: 'accept', circuitId: incoming.circuitId, token: incoming.token })
  const told = [await near.frame('connected'), await far.frame('connected')] as const
  const dispose = (): void => {
    for (const each of [held, near, far]) each[Symbol.dispose]()
  }
  return { source: near, destination: far, control: held, incoming, told, [Symbol.dispose]: dispose }
}
