import { type BufferPool, NetError, type Reader } from '@sluice/net'
import { WireError } from '@sluice/wire'
import { RELAY_STATUS } from '@sluice/wire/relay'
import { encodeNoiseMessage, noiseMessageDecoder } from '../noise/noise-message.ts'
import {
  MAX_HANDSHAKE_MESSAGE,
  type MessagePort,
  type PeerHandshakeOptions,
  type Secured,
  securePeers,
} from '../noise/peer-handshake.ts'
import { PeerError } from '../peer/peer-error.ts'
import { nodeVerify } from './node-verify.ts'
import { NoiseConn } from './noise-conn.ts'
import { nodeSuite } from './node-suite.ts'

const message = noiseMessageDecoder(MAX_HANDSHAKE_MESSAGE)

export interface SecureOptions extends Pick<PeerHandshakeOptions, 'role' | 'identity' | 'expected'> {
  readonly pool: BufferPool
}

/**
 * Shakes hands over a circuit, and encrypts it from then on. A deadline is the caller's: `reader.fail`.
 * @param reader of the circuit, for at least 256 bytes
 * @throws PeerError PEER_IDENTITY, PEER_NOISE, PEER_RESET, and what `reader.fail` was given; the circuit is reset
 */
export const secure = async (reader: Reader, options: SecureOptions): Promise<NoiseConn> => {
  const port: MessagePort = {
    send: (bytes) => void reader.conn.write(encodeNoiseMessage(bytes)),
    receive: async () => encrypted(await reader.read(message)),
  }
  let secured: Secured
  try {
    secured = await securePeers(port, { ...options, suite: nodeSuite, verify: nodeVerify })
  } catch (error) {
    reader.release().reset(RELAY_STATUS.PEER_RESET)
    throw peerErrorOf(error)
  }
  return new NoiseConn(reader.release(), secured, options.pool)
}

/** @internal */
export const peerErrorOf = (cause: unknown): unknown => {
  if (cause instanceof WireError) return new PeerError('PEER_NOISE', cause.message, { cause })
  if (!(cause instanceof NetError) || !cause.code.startsWith('CLIENT_')) return cause
  return new PeerError('PEER_RESET', 'the circuit broke off during the handshake of the peers', { cause })
}

/** Nobody who encrypts has nothing to say. */
const encrypted = (bytes: Uint8Array): Uint8Array => {
  if (bytes.length > 0) return bytes
  throw new PeerError('PEER_NOISE', 'the other peer does not encrypt, and this one does')
}
