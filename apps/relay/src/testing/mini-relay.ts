import { randomBytes } from 'node:crypto'
import { type Connected, formatNodeId, nodeIdOf, RELAY_STATUS, type RelayFrame } from '@sluice/wire/relay'
import { RelaySocket } from '../browser/relay-socket.ts'
import { systemTiming } from '../peer/timing.ts'
import { FakeRelay } from './fake-relay.ts'
import { type FakeWebSocket, webSocketPair } from './fake-web-socket.ts'

interface Peer {
  readonly id: Uint8Array
  readonly publicKey: Uint8Array
  readonly port: RelaySocket
  readonly raw: FakeWebSocket
}
interface Waiting {
  readonly source: Peer
  readonly destination: Peer
}

const TERMS = { duration: 60, data: 1_000_000, rate: 5000 }
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** A relay for a few peers of one test, over WebSockets without a network. */
export class MiniRelay {
  readonly relay: FakeRelay = new FakeRelay()
  /** The relay's ends of all WebSockets so far. */
  readonly sockets: FakeWebSocket[] = []
  readonly port: number
  readonly urls: string[] = []
  readonly tokens: (Uint8Array | undefined)[] = []
  /** What is passed on of a circuit. */
  change: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes
  ttl = 3600
  /** Where to look for peers that are not here. */
  elsewhere = ''
  readonly #controls = new Map<string, Peer>()
  readonly #waiting = new Map<string, Waiting>()

  constructor(port = 1) {
    this.port = port
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/p2p/${formatNodeId(nodeIdOf(this.relay.identity.publicKey))}`
  }

  readonly open = (url: string): FakeWebSocket => {
    this.urls.push(url)
    const [near, far] = webSocketPair()
    this.sockets.push(far)
    // A peer that leaves ends what is under way.
    void this.#serve(new RelaySocket(far, systemTiming), far).catch(() => {})
    return near
  }

  /** Sends all who have a reservation to `elsewhere`. */
  sendAway(): void {
    const rest = { reconnectAfterMs: 0, tryForMs: 1000, address: this.elsewhere }
    for (const { port } of this.#controls.values()) {
      port.send({ type: 'goaway', status: RELAY_STATUS.SHUTTING_DOWN, ...rest })
    }
    this.#controls.clear()
  }

  async #serve(port: RelaySocket, raw: FakeWebSocket): Promise<void> {
    const { hello, token } = await this.relay.login(port)
    this.tokens.push(token)
    const peer = { id: nodeIdOf(hello.publicKey), publicKey: hello.publicKey, port, raw }
    for (;;) {
      const frame = await port.read()
      if (frame.type === 'accept') return this.#accept(peer, frame.circuitId)
      if (frame.type === 'connect' && this.#connect(peer, frame.destination)) return
      this.#control(peer, frame)
    }
  }

  #control(peer: Peer, frame: RelayFrame): void {
    const { port, id } = peer
    if (frame.type === 'reserve') {
      this.#controls.set(text(id), peer)
      port.send({ type: 'reserveResponse', status: RELAY_STATUS.OK, addresses: [] })
      const more = { slots: 0, voucher: new Uint8Array(0), ...TERMS }
      port.send({ type: 'reservation', expire: 1_800_000_000, ttl: this.ttl, ...more })
    } else if (frame.type === 'reject') {
      const waiting = this.#waiting.get(text(frame.circuitId))!
      this.#refuse(waiting.source, frame.status)
    }
  }

  #refuse({ port }: Peer, status: number): void {
    port.send({ type: 'connectRefused', status, retryAfter: 0, reason: '', address: this.elsewhere })
  }

  /** @returns whether the source has to wait for its peer */
  #connect(source: Peer, to: Uint8Array): boolean {
    const destination = this.#controls.get(text(to))
    if (destination === undefined) {
      this.#refuse(source, this.elsewhere === '' ? RELAY_STATUS.NO_RESERVATION : RELAY_STATUS.REDIRECT)
      return false
    }
    const circuitId = randomBytes(16)
    this.#waiting.set(text(circuitId), { source, destination })
    const more = { token: randomBytes(32), acceptWithin: 10, duration: 0, data: 0 }
    destination.port.send({
      type: 'incoming',
      circuitId,
      source: source.id,
      sourceKey: source.publicKey,
      ...more,
    })
    return true
  }

  #accept(peer: Peer, circuitId: Uint8Array): void {
    const { source } = this.#waiting.get(text(circuitId))!
    for (const [to, other] of [
      [source, peer],
      [peer, source],
    ] as const) {
      const { id, publicKey: peerKey } = other
      const connected: Connected = { type: 'connected', circuitId, peer: id, peerKey, ...TERMS }
      to.port.send(connected)
      other.raw.addEventListener('message', ({ data }) => {
        const bytes = new Uint8Array(data as ArrayBuffer)
        to.raw.send(bytes.length === 0 ? bytes : this.change(bytes))
      })
      other.raw.addEventListener('close', ({ code }) => to.raw.close(code))
    }
  }
}
