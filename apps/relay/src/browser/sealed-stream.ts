import { WireError } from '@sluice/wire'
import { type CircuitTerms, formatNodeId, nodeIdOf } from '@sluice/wire/relay'
import { Nonce } from '../noise/nonce.ts'
import {
  encodeNoiseMessage,
  LENGTH_BYTES,
  MAX_MESSAGE,
  noiseMessageDecoder,
  TAG_BYTES,
} from '../noise/noise-message.ts'
import type { Secured } from '../noise/peer-handshake.ts'
import { PeerError } from '../peer/peer-error.ts'
import { MAX_WS_MESSAGE, type RelaySocket } from './relay-socket.ts'
import { gcmKey, gcmOpen, gcmSeal } from './web-crypto.ts'
import type { WebKey } from './web-key.ts'

/** A stream to another peer, encrypted between the two. */
export interface PeerStream {
  /** Fails with PeerError PEER_TRUNCATED, PEER_RESET or PEER_NOISE where it was cut: a cut never looks like an end. */
  readonly readable: ReadableStream<Uint8Array>
  /** Its `close` ends this direction alone, its `abort` resets the stream. */
  readonly writable: WritableStream<Uint8Array>
  /** NodeID of the other peer, proven, in Base58. */
  readonly peer: string
  /** What the relay lets it use. */
  readonly terms: CircuitTerms
}

const record = noiseMessageDecoder(MAX_MESSAGE)
/** So much that a record is one message of a WebSocket. */
const MOST_PLAIN = MAX_WS_MESSAGE - LENGTH_BYTES - TAG_BYTES
const EMPTY = new Uint8Array(0)

/** Both directions of a circuit past its handshake; closes the socket when both have ended. */
export const sealedStream = async (
  socket: RelaySocket,
  { keys, publicKey }: Secured,
  { duration, data, rate }: CircuitTerms,
): Promise<PeerStream> => {
  let open = 2
  const ended = (): void => {
    open -= 1
    if (open === 0) socket.close()
  }
  const [sending, receiving] = [await gcmKey(keys.send, 'encrypt'), await gcmKey(keys.receive, 'decrypt')]
  return {
    readable: readableOf(socket, receiving, ended),
    writable: writableOf(socket, sending, ended),
    peer: formatNodeId(nodeIdOf(publicKey)),
    terms: { duration, data, rate },
  }
}

const readableOf = (socket: RelaySocket, key: WebKey, ended: () => void): ReadableStream<Uint8Array> => {
  const nonce = new Nonce()
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      try {
        const plain = await opened(key, nonce.next(), await socket.take(record))
        if (plain.length > 0) return controller.enqueue(plain)
        controller.close()
        ended()
      } catch (error) {
        const cause = cut(error)
        socket.reset(cause)
        throw cause
      }
    },
    cancel: () => socket.reset(new PeerError('PEER_CLOSED', 'nobody reads it any more')),
  })
}

const opened = async (key: WebKey, nonce: Uint8Array, sealed: Uint8Array): Promise<Uint8Array> => {
  if (sealed.length < TAG_BYTES) throw new PeerError('PEER_NOISE', 'a record that has no room for its tag')
  try {
    return await gcmOpen(key, nonce, EMPTY, sealed)
  } catch (cause) {
    throw new PeerError('PEER_NOISE', 'a record that does not open', { cause })
  }
}

/** An end that the other peer has not sealed is none. */
const cut = (error: unknown): Error => {
  if (error instanceof WireError) return new PeerError('PEER_NOISE', error.message, { cause: error })
  if (!(error instanceof PeerError) || error.code !== 'RELAY_CLOSED') return error as Error
  return new PeerError('PEER_TRUNCATED', 'the stream broke off before the other peer had ended it', {
    cause: error,
  })
}

const writableOf = (socket: RelaySocket, key: WebKey, ended: () => void): WritableStream<Uint8Array> => {
  const nonce = new Nonce()
  const put = async (plain: Uint8Array): Promise<void> => {
    socket.write(encodeNoiseMessage(await gcmSeal(key, nonce.next(), EMPTY, plain)))
    await socket.drained()
  }
  return new WritableStream<Uint8Array>({
    // Who has written all, or nothing, learns of a cut too.
    start: (controller) => void socket.failed.then((error) => controller.error(error)),
    write: async (chunk) => {
      for (let at = 0; at < chunk.length; at += MOST_PLAIN) await put(chunk.subarray(at, at + MOST_PLAIN))
    },
    close: async () => {
      await put(EMPTY)
      socket.end()
      ended()
    },
    abort: () => socket.reset(new PeerError('PEER_CLOSED', 'this side has cut it')),
  })
}
