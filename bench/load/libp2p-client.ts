import { setTimeout as sleep } from 'node:timers/promises'
import type { RelayClient } from './circuit.ts'
import type { Pipe } from './line.ts'
import { type Libp2pNode, type Libp2pStream, loadLibp2p } from './libp2p-modules.ts'

const PROTOCOL = '/bench/1.0.0'
const LOOK_EVERY_MS = 20
/** Streams that go through a relay have to say that this is meant. */
const RELAYED = { runOnLimitedConnection: true }

/** What libp2p hands out: bytes, or a list of such. */
interface Chunk extends Event {
  readonly data: { readonly byteLength: number; subarray(): Uint8Array }
}

class StreamPipe implements Pipe {
  onDrain: () => void = () => {}
  onBytes: ((bytes: Uint8Array) => void) | undefined = undefined
  readonly #stream: Libp2pStream

  constructor(stream: Libp2pStream) {
    this.#stream = stream
    stream.addEventListener('drain', () => this.onDrain())
    stream.addEventListener('message', (event) => this.onBytes?.((event as Chunk).data.subarray()))
  }

  wrap(payload: Uint8Array): Uint8Array {
    return payload
  }

  write(bytes: Uint8Array): boolean {
    return this.#stream.send(bytes)
  }

  close(): void {
    this.#stream.abort(new Error('over'))
  }
}

/** Streams between two peers through a circuit of js-libp2p. */
export async function libp2pClient(port: number, folder: string): Promise<RelayClient> {
  const { createLibp2p, tcp, noise, yamux, identify, circuitRelayTransport, multiaddr } =
    await loadLibp2p(folder)
  const create = (listen: readonly string[]): Promise<Libp2pNode> =>
    createLibp2p({
      addresses: { listen },
      transports: [tcp(), circuitRelayTransport()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { identify: identify() },
    })
  const far = await create([`/ip4/127.0.0.1/tcp/${port}/p2p-circuit`])
  const near = await create([])
  let arrival = Promise.withResolvers<Pipe>()
  await far.handle(PROTOCOL, (stream) => arrival.resolve(new StreamPipe(stream)), RELAYED)
  while (far.getMultiaddrs().length === 0) await sleep(LOOK_EVERY_MS)
  const address = multiaddr(far.getMultiaddrs()[0]!.toString())
  return {
    prepare: () =>
      Promise.resolve(async () => {
        arrival = Promise.withResolvers()
        const source = new StreamPipe(await near.dialProtocol(address, PROTOCOL, RELAYED))
        return { source, destination: await arrival.promise }
      }),
  }
}
