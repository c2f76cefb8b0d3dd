import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import {
  clientProof,
  encodeRelayFrame,
  NO_BINDING,
  type RelayFrame,
  relayFrameDecoder,
  RELAY_STATUS,
} from '@sluice/wire/relay'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { freshIdentity, type Identity } from './identity.ts'
import { type Frame, TestPeer } from './testing/test-peer.ts'
import { openTestRelay, type TestRelay } from './testing/test-relay.ts'
import { SUBPROTOCOL } from './transport.ts'

// A peer on the WebSocket of somebody else, npm's `ws`, over ws and wss.

const decode = relayFrameDecoder(4096)
const SCHEMES = ['ws', 'wss'] as const

let relay: TestRelay
beforeAll(async () => {
  relay = await openTestRelay(
    [],
    '--listen',
    'any://127.0.0.1:0',
    '--preset',
    'private',
    '--circuit-bytes',
    '200KB',
  )
})
afterAll(() => relay[Symbol.asyncDispose]())

class ForeignPeer {
  readonly socket: WebSocket
  readonly identity: Identity
  readonly closed: Promise<number>
  /** An empty message has come. */
  ended = false
  #bytes: Buffer = Buffer.alloc(0)

  private constructor(socket: WebSocket, identity: Identity) {
    this.socket = socket
    this.identity = identity
    this.closed = once(socket, 'close').then(([code]) => code as number)
    socket.on('message', (message: Buffer) => {
      this.ended = message.length === 0
      this.#bytes = Buffer.concat([this.#bytes, message])
    })
  }

  static async login(scheme: string, identity: Identity = freshIdentity()): Promise<ForeignPeer> {
    const { host, port } = relay.at
    const socket = new WebSocket(`${scheme}://${host}:${port}/`, SUBPROTOCOL, { rejectUnauthorized: false })
    const peer = new ForeignPeer(socket, identity)
    await once(socket, 'open')
    const { publicKey } = identity
    const nonce = randomBytes(32)
    const hello = { type: 'hello', minVersion: 1, maxVersion: 1, capabilities: 0, publicKey, nonce } as const
    peer.send(hello)
    const challenge = await peer.frame('challenge')
    peer.send({ type: 'auth', signature: identity.sign(clientProof(hello, challenge, NO_BINDING)) })
    await peer.frame('welcome')
    return peer
  }

  send(frame: RelayFrame): void {
    this.socket.send(encodeRelayFrame(frame))
  }

  async frame<T extends RelayFrame['type']>(type: T): Promise<Frame<T>> {
    for (;;) {
      const decoded = this.#bytes.length > 0 ? decode(this.#bytes) : undefined
      if (decoded !== undefined) {
        this.#bytes = this.#bytes.subarray(decoded.size)
        if (decoded.value.type !== type) throw new Error(`${decoded.value.type} in the place of ${type}`)
        return decoded.value as Frame<T>
      }
      await once(this.socket, 'message')
    }
  }

  async octets(size: number): Promise<Buffer> {
    while (this.#bytes.length < size) await once(this.socket, 'message')
    return this.#bytes.subarray(0, size)
  }
}

const circuit = async (scheme: string): Promise<[ForeignPeer, ForeignPeer, ForeignPeer]> => {
  const control = await ForeignPeer.login(scheme)
  control.send({ type: 'reserve', ttl: 0 })
  expect((await control.frame('reserveResponse')).status).toBe(RELAY_STATUS.OK)
  await control.frame('reservation')
  const source = await ForeignPeer.login(scheme)
  source.send({ type: 'connect', destination: control.identity.nodeId })
  const { circuitId, token } = await control.frame('incoming')
  const destination = await ForeignPeer.login(scheme, control.identity)
  destination.send({ type: 'accept', circuitId, token })
  await destination.frame('connected')
  await source.frame('connected')
  return [source, destination, control]
}

it.each(SCHEMES)(
  'has a circuit over %s, whose ends are empty messages, and which closes with 1000',
  async (scheme) => {
    const [source, destination, control] = await circuit(scheme)
    const there = randomBytes(150_000)
    for (let at = 0; at < there.length; at += 50_000) source.socket.send(there.subarray(at, at + 50_000))
    source.socket.send(Buffer.alloc(0))
    expect((await destination.octets(there.length)).equals(there)).toBe(true)
    await expect.poll(() => destination.ended, { interval: 1 }).toBe(true)
    destination.socket.send(Buffer.from('and back'))
    destination.socket.send(Buffer.alloc(0))
    expect((await source.octets(8)).toString()).toBe('and back')
    expect(await Promise.all([source.closed, destination.closed])).toEqual([1000, 1000])
    expect(await control.frame('circuitClosed')).toMatchObject({
      status: RELAY_STATUS.OK,
      up: 150_000,
      down: 8,
    })
    control.socket.close()
  },
)

it.each(SCHEMES)('is told by the close code why its circuit was cut, over %s', async (scheme) => {
  const [source, destination, control] = await circuit(scheme)
  for (let n = 0; n < 5; n += 1) source.socket.send(Buffer.alloc(50_000))
  const code = 4000 + RELAY_STATUS.DATA_LIMIT
  expect(await Promise.all([source.closed, destination.closed])).toEqual([code, code])
  control.socket.close()
})

it.each(SCHEMES)('that is gone without a word breaks its circuit, over %s', async (scheme) => {
  const [source, destination, control] = await circuit(scheme)
  source.socket.terminate()
  expect(await destination.closed).toBe(4000 + RELAY_STATUS.PEER_RESET)
  control.socket.close()
})

it('has circuits with peers over TCP', async () => {
  using control = await TestPeer.login(relay.at)
  await control.reserve()
  const source = await ForeignPeer.login('wss')
  source.send({ type: 'connect', destination: control.id })
  const { circuitId, token } = await control.frame('incoming')
  using destination = await TestPeer.login(relay.at, { identity: control.identity })
  destination.send({ type: 'accept', circuitId, token })
  await destination.frame('connected')
  await source.frame('connected')
  source.socket.send(Buffer.from('hello'))
  source.socket.send(Buffer.alloc(0))
  expect(String(await destination.rest())).toBe('hello')
  destination.end()
  expect(await source.closed).toBe(1000)
})
