import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import {
  clientProof,
  encodeRelayFrame,
  MAX_BODY,
  NO_BINDING,
  nodeIdOf,
  type RelayFrame,
  relayFrameDecoder,
} from '@sluice/wire/relay'

const decode = relayFrameDecoder(MAX_BODY.AFTER_AUTH)
const ANSWER_MS = 20_000

/** Who a peer is at a relay. */
export interface RelayIdentity {
  readonly key: KeyObject
  /** Ed25519, 32 octets. */
  readonly publicKey: Uint8Array
  readonly nodeId: Uint8Array
  /** The access token of a user. */
  readonly token?: Uint8Array | undefined
}

export const newIdentity = (token?: string): RelayIdentity => {
  const { publicKey: open, privateKey: key } = generateKeyPairSync('ed25519')
  const publicKey = open.export({ format: 'der', type: 'spki' }).subarray(-32)
  return { key, publicKey, nodeId: nodeIdOf(publicKey), token: token ? Buffer.from(token) : undefined }
}

/** HELLO of a peer. */
export const helloOf = ({ publicKey }: RelayIdentity): Extract<RelayFrame, { type: 'hello' }> => ({
  type: 'hello',
  minVersion: 1,
  maxVersion: 1,
  capabilities: 0,
  publicKey,
  nonce: randomBytes(32),
})

type FrameOf<T extends RelayFrame['type']> = Extract<RelayFrame, { type: T }>

/** A conn of a peer over plain TCP: frames, until it is the end of a circuit. Errors are told by 'close' alone. */
export class RelayClient {
  readonly socket: Socket
  #bytes: Buffer = Buffer.alloc(0)
  #wake: () => void = () => {}
  readonly #onData = (chunk: Buffer): void => {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    this.#wake()
  }
  readonly #onOver = (): void => this.#wake()

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', this.#onData).on('end', this.#onOver).on('close', this.#onOver)
    socket.on('error', () => undefined)
  }

  /** Past WELCOME. @throws Error where the relay does not want it */
  static async login(port: number, identity: RelayIdentity): Promise<RelayClient> {
    const socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    const client = new RelayClient(socket)
    const timer = setTimeout(() => socket.destroy(), ANSWER_MS)
    try {
      await once(socket, 'connect')
      const hello = helloOf(identity)
      client.send(hello)
      const challenge = await client.read('challenge')
      const signature = sign(null, clientProof(hello, challenge, NO_BINDING), identity.key)
      client.send({ type: 'auth', signature, token: identity.token })
      await client.read('welcome')
      return client
    } catch (error) {
      socket.destroy()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  send(frame: RelayFrame): void {
    this.socket.write(encodeRelayFrame(frame))
  }

  /** The next frame; `undefined` when the conn is over. */
  async next(): Promise<RelayFrame | undefined> {
    for (;;) {
      const decoded = this.#bytes.length > 0 ? decode(this.#bytes) : undefined
      if (decoded !== undefined) {
        this.#bytes = this.#bytes.subarray(decoded.size)
        return decoded.value
      }
      if (this.socket.destroyed || this.socket.readableEnded) return undefined
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** The next frame, which has to be this one. @throws Error */
  async read<T extends RelayFrame['type']>(type: T): Promise<FrameOf<T>> {
    const frame = await this.next()
    if (frame?.type === type) return frame as FrameOf<T>
    throw new Error(`${frame === undefined ? 'an end' : JSON.stringify(frame)} in the place of ${type}`)
  }

  /** What the conn has become, paused: half-closes are the caller's to make. */
  tunnel(): Socket {
    this.socket.pause().off('data', this.#onData).off('end', this.#onOver).off('close', this.#onOver)
    if (this.#bytes.length > 0) this.socket.unshift(this.#bytes)
    return this.socket
  }
}

/** Asks for a circuit. It comes paused, and its errors are told by 'close' alone. @throws Error where it is refused */
export async function openCircuit(port: number, source: RelayIdentity, to: RelayIdentity): Promise<Socket> {
  const client = await RelayClient.login(port, source)
  try {
    client.send({ type: 'connect', destination: to.nodeId })
    await client.read('connected')
    return client.tunnel()
  } catch (error) {
    client.socket.destroy()
    throw error
  }
}

/** A peer that holds a reservation, and comes for every circuit that it is told of. */
export class RelayDestination {
  readonly #port: number
  readonly #identity: RelayIdentity
  readonly #onCircuit: (socket: Socket) => void
  readonly #control: RelayClient

  /** @param onCircuit its end of a circuit, paused */
  static async open(
    port: number,
    identity: RelayIdentity,
    onCircuit: (socket: Socket) => void,
  ): Promise<RelayDestination> {
    const control = await RelayClient.login(port, identity)
    control.send({ type: 'reserve', ttl: 0 })
    const { status } = await control.read('reserveResponse')
    if (status !== 0) throw new Error(`no reservation: ${status}`)
    await control.read('reservation')
    return new RelayDestination(port, identity, onCircuit, control)
  }

  private constructor(
    port: number,
    identity: RelayIdentity,
    onCircuit: (socket: Socket) => void,
    control: RelayClient,
  ) {
    this.#port = port
    this.#identity = identity
    this.#onCircuit = onCircuit
    this.#control = control
    void this.#run()
  }

  /** Whether the reservation stands. */
  get isHeld(): boolean {
    return !this.#control.socket.destroyed
  }

  close(): void {
    this.#control.socket.destroy()
  }

  async #run(): Promise<void> {
    for (;;) {
      const frame = await this.#control.next()
      if (frame === undefined) return this.close()
      if (frame.type === 'ping') this.#control.send({ type: 'pong', opaque: frame.opaque })
      // Its source leaves, or is told by the relay.
      if (frame.type === 'incoming') void this.#come(frame).catch(() => undefined)
    }
  }

  async #come({ circuitId, token }: FrameOf<'incoming'>): Promise<void> {
    const client = await RelayClient.login(this.#port, this.#identity)
    try {
      client.send({ type: 'accept', circuitId, token })
      await client.read('connected')
      this.#onCircuit(client.tunnel())
    } catch (error) {
      client.socket.destroy()
      throw error
    }
  }
}
