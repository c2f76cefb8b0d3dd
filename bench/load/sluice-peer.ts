import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import {
  CAPABILITY,
  clientProof,
  encodeRelayFrame,
  EXPORTER_LABEL,
  type Hello,
  MAX_BODY,
  NO_BINDING,
  nodeIdOf,
  type RelayFrame,
  relayFrameDecoder,
  type RelayFrameOf,
} from '@sluice/wire/relay'
import type { Circuit, RelayClient } from './circuit.ts'
import { Line, type Pipe } from './line.ts'
import { WebSocketLine } from './web-socket-line.ts'

export type Transport = 'tcp' | 'tls' | 'ws'

interface Identity {
  readonly key: KeyObject
  readonly publicKey: Uint8Array
}

const decode = relayFrameDecoder(MAX_BODY.AFTER_AUTH)

export function newIdentity(): Identity {
  const { privateKey: key, publicKey } = generateKeyPairSync('ed25519')
  return { key, publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(-32) }
}

/** A conn of a peer of ours. It believes the relay whatever that signs, to cost the load's core little. */
export class SluicePeer {
  readonly identity: Identity
  readonly #line: Line | WebSocketLine
  readonly #binding: Uint8Array | undefined

  private constructor(identity: Identity, line: Line | WebSocketLine, binding: Uint8Array | undefined) {
    this.identity = identity
    this.#line = line
    this.#binding = binding
  }

  /** Past WELCOME. @param first sent right behind AUTH */
  static async login(
    port: number,
    transport: Transport,
    identity: Identity,
    first?: RelayFrame,
  ): Promise<SluicePeer> {
    const peer = await SluicePeer.#dial(port, transport, identity)
    await peer.#login(first)
    return peer
  }

  static async #dial(port: number, transport: Transport, identity: Identity): Promise<SluicePeer> {
    if (transport === 'tcp') return new SluicePeer(identity, await Line.dial(port), undefined)
    if (transport === 'ws')
      return new SluicePeer(identity, await WebSocketLine.dial(port, 'sluice-relay.v1'), undefined)
    const line = await Line.dialTls(port, {})
    return new SluicePeer(identity, line, line.keyingMaterial(EXPORTER_LABEL))
  }

  get pipe(): Pipe {
    return this.#line
  }

  get id(): Uint8Array {
    return nodeIdOf(this.identity.publicKey)
  }

  send(...frames: RelayFrame[]): void {
    this.#line.write(this.#line.wrap(Buffer.concat(frames.map((frame) => encodeRelayFrame(frame)))))
  }

  /** The next frame but for notices, which has to be of this type. Pings are answered. */
  async frame<T extends RelayFrame['type']>(type: T): Promise<RelayFrameOf<T>> {
    for (;;) {
      const frame = await this.#line.read(decode)
      if (frame.type === type) return frame as RelayFrameOf<T>
      if (frame.type === 'ping') this.send({ type: 'pong', opaque: frame.opaque })
      else if (frame.type !== 'notice' && frame.type !== 'circuitClosed')
        throw new Error(`${JSON.stringify(frame)} in the place of ${type}`)
    }
  }

  async reserve(): Promise<void> {
    this.send({ type: 'reserve', ttl: 0 })
    const { status } = await this.frame('reserveResponse')
    if (status !== 0) throw new Error(`no reservation: status ${status}`)
    await this.frame('reservation')
  }

  close(): void {
    this.#line.close()
  }

  async #login(first: RelayFrame | undefined): Promise<void> {
    const { publicKey, key } = this.identity
    const capabilities = this.#binding === undefined ? 0 : CAPABILITY.CHANNEL_BINDING
    const versions = { minVersion: 1, maxVersion: 1 }
    const hello: Hello = { type: 'hello', ...versions, capabilities, publicKey, nonce: randomBytes(32) }
    this.send(hello)
    const challenge = await this.frame('challenge')
    const proof = clientProof(hello, challenge, this.#binding ?? NO_BINDING)
    const auth: RelayFrame = { type: 'auth', signature: sign(null, proof, key) }
    this.send(...(first === undefined ? [auth] : [auth, first]))
    await this.frame('welcome')
  }
}

/** Circuits through our relay, from one source to one destination. */
export async function sluiceClient(port: number, transport: Transport): Promise<RelayClient> {
  const [from, to] = [newIdentity(), newIdentity()]
  const control = await SluicePeer.login(port, transport, to)
  await control.reserve()
  const destination = control.id
  const arrivals = new Map<string, PromiseWithResolvers<Pipe>>()

  const arrivalOf = (circuitId: Uint8Array): PromiseWithResolvers<Pipe> => {
    const id = Buffer.from(circuitId).toString('hex')
    const arrival = arrivals.get(id) ?? Promise.withResolvers<Pipe>()
    arrivals.set(id, arrival)
    return arrival
  }
  const accept = async ({ circuitId, token }: RelayFrameOf<'incoming'>): Promise<void> => {
    const peer = await SluicePeer.login(port, transport, to, { type: 'accept', circuitId, token })
    await peer.frame('connected')
    arrivalOf(circuitId).resolve(peer.pipe)
  }
  const listen = async (): Promise<never> => {
    for (;;) accept(await control.frame('incoming')).catch(giveUp)
  }
  listen().catch(giveUp)

  const connect = async (source: SluicePeer): Promise<Circuit> => {
    source.send({ type: 'connect', destination })
    const { circuitId } = await source.frame('connected')
    const far = await arrivalOf(circuitId).promise
    arrivals.delete(Buffer.from(circuitId).toString('hex'))
    return { source: source.pipe, destination: far }
  }
  return {
    prepare: async () => {
      const source = await SluicePeer.login(port, transport, from)
      return () => connect(source)
    },
  }
}

/** Without a destination there is nothing to measure. */
function giveUp(error: unknown): never {
  console.error(error)
  process.exit(1)
}
