import { randomBytes } from 'node:crypto'
import { type Conn, listen, type Listener, type Reader } from '@sluice/net'
import { formatAddress } from '@sluice/wire'
import { type Connected, formatNodeId, type Incoming, nodeIdOf, RELAY_STATUS } from '@sluice/wire/relay'
import { ConnPort } from '../client/conn-port.ts'
import { FakeRelay } from './fake-relay.ts'

interface Arrived {
  readonly port: ConnPort
  readonly publicKey: Uint8Array
}

const TERMS = { duration: 60, data: 0, rate: 0 }
const GRANT = { expire: 1_800_000_000, ttl: 3600, slots: 0, ...TERMS, voucher: new Uint8Array(0) }

/** A relay over TCP that does to circuits whatever a test wants. */
export class HostileRelay implements Disposable {
  readonly relay: FakeRelay = new FakeRelay()
  /** What is passed on of a circuit; undefined: it ends here, in good order. */
  change: (bytes: Buffer) => Buffer | undefined = (bytes) => bytes
  /** Who is put in the place of a destination: gets its end of the circuit. */
  impostor: ((reader: Reader) => void) | undefined = undefined
  readonly #listener: Listener
  readonly #controls = new Map<string, Arrived>()
  readonly #accepted = new Map<string, PromiseWithResolvers<Arrived>>()
  readonly #conns: Conn[] = []

  static async open(): Promise<HostileRelay> {
    const opened = Promise.withResolvers<HostileRelay>()
    const listener = await listen({
      ...{ host: '127.0.0.1', port: 0, onError: opened.reject },
      onConn: (conn) => void opened.promise.then((relay) => relay.#serve(conn)).catch(() => {}),
    })
    opened.resolve(new HostileRelay(listener))
    return opened.promise
  }

  private constructor(listener: Listener) {
    this.#listener = listener
  }

  get url(): string {
    return `tcp://${formatAddress(this.#listener.address)}`
  }

  [Symbol.dispose](): void {
    this.#listener.close()
    for (const conn of this.#conns) conn.destroy()
  }

  /** Tells `to` that the owner of a key wants a circuit. @returns what comes for it */
  async forge(to: string, sourceKey: Uint8Array): Promise<Reader> {
    const { port } = await this.#offer(to, sourceKey)
    port.send(connected(nodeIdOf(sourceKey), sourceKey))
    return port.reader
  }

  async #offer(to: string, sourceKey: Uint8Array): Promise<Arrived> {
    const circuitId = randomBytes(16)
    const accepted = Promise.withResolvers<Arrived>()
    this.#accepted.set(circuitId.toString('hex'), accepted)
    const terms = { acceptWithin: 10, duration: 0, data: 0 }
    const source = nodeIdOf(sourceKey)
    const offer: Incoming = {
      type: 'incoming',
      circuitId,
      source,
      sourceKey,
      token: randomBytes(32),
      ...terms,
    }
    this.#controls.get(to)!.port.send(offer)
    return accepted.promise
  }

  async #serve(conn: Conn): Promise<void> {
    this.#conns.push(conn)
    const port = new ConnPort(conn)
    const { hello } = await this.relay.login(port)
    const peer: Arrived = { port, publicKey: hello.publicKey }
    for (;;) {
      const frame = await port.read()
      if (frame.type === 'accept') {
        return this.#accepted.get(Buffer.from(frame.circuitId).toString('hex'))!.resolve(peer)
      }
      if (frame.type === 'connect') return this.#connect(peer, formatNodeId(frame.destination))
      if (frame.type !== 'reserve') continue
      this.#controls.set(formatNodeId(nodeIdOf(peer.publicKey)), peer)
      port.send({ type: 'reserveResponse', status: RELAY_STATUS.OK, addresses: [] })
      port.send({ type: 'reservation', ...GRANT })
    }
  }

  async #connect(source: Arrived, to: string): Promise<void> {
    const destinationKey = this.#controls.get(to)!.publicKey
    if (this.impostor !== undefined) {
      source.port.send(connected(nodeIdOf(destinationKey), destinationKey))
      return this.impostor(source.port.reader)
    }
    const destination = await this.#offer(to, source.publicKey)
    source.port.send(connected(nodeIdOf(destinationKey), destinationKey))
    destination.port.send(connected(nodeIdOf(source.publicKey), source.publicKey))
    const [near, far] = [source.port.reader.release(), destination.port.reader.release()]
    this.#pass(near, far)
    this.#pass(far, near)
  }

  #pass(from: Conn, to: Conn): void {
    from.attach({
      onData: (chunk) => {
        const bytes = this.change(Buffer.from(chunk))
        if (bytes === undefined) to.end()
        else to.write(bytes)
      },
      onEnd: () => to.end(),
      onDrain: () => {},
      onClose: (error) => error && to.reset(),
    })
    from.resume()
  }
}

const connected = (peer: Uint8Array, peerKey: Uint8Array): Connected => ({
  type: 'connected',
  circuitId: randomBytes(16),
  ...{ peer, peerKey },
  ...TERMS,
})
