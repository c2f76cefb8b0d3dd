import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** What this uses of js-libp2p, whose packages are not here when this is compiled. */
export interface Libp2pStream extends EventTarget {
  send(bytes: Uint8Array): boolean
  abort(error: Error): void
}
export interface Libp2pNode {
  readonly peerId: { toString(): string }
  getMultiaddrs(): { toString(): string }[]
  handle(protocol: string, onStream: (stream: Libp2pStream) => void, options: object): Promise<void>
  dialProtocol(address: unknown, protocol: string, options: object): Promise<Libp2pStream>
}
interface Modules {
  readonly createLibp2p: (options: object) => Promise<Libp2pNode>
  readonly tcp: () => unknown
  readonly noise: () => unknown
  readonly yamux: () => unknown
  readonly identify: () => unknown
  readonly circuitRelayServer: (options: object) => unknown
  readonly circuitRelayTransport: () => unknown
  readonly multiaddr: (text: string) => unknown
}

const NAMES = [
  'libp2p',
  '@libp2p/tcp',
  '@chainsafe/libp2p-noise',
  '@chainsafe/libp2p-yamux',
  '@libp2p/identify',
  '@libp2p/circuit-relay-v2',
  '@multiformats/multiaddr',
]

/** @param folder where npm has put the packages */
export async function loadLibp2p(folder: string): Promise<Modules> {
  const files = NAMES.map((name) => join(folder, 'node_modules', name, 'dist/src/index.js'))
  const parts: object[] = await Promise.all(files.map((file) => import(pathToFileURL(file).href)))
  return Object.assign({}, ...parts) as Modules
}
