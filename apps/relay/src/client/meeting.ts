import { type BufferPool, type Conn, type Reader, refuse } from '@sluice/net'
import type { Decode } from '@sluice/wire'
import type { NoiseRole } from '../noise/xx-handshake.ts'
import type { PeerIdentity } from '../peer/identity.ts'
import { PeerError } from '../peer/peer-error.ts'
import { peerErrorOf, secure } from './secure.ts'

export interface MeetingOptions {
  readonly role: NoiseRole
  readonly identity: PeerIdentity
  /** NodeID of the other peer. */
  readonly expected: Uint8Array
  readonly encrypt: boolean
  readonly pool: BufferPool
}

/** Where the first message of a handshake would have its length: nobody who encrypts begins so. */
const BARE = new Uint8Array(2)
/** Neither this nor a message of a handshake. */
const NOT_BARE = new Uint8Array([0xff, 0xff])
const first: Decode<number> = (bytes) =>
  bytes.length < BARE.length ? undefined : { value: bytes[0]! * 256 + bytes[1]!, size: BARE.length }
const peekFirst: Decode<number> = (bytes) => {
  const decoded = first(bytes)
  return decoded && { value: decoded.value, size: 0 }
}

/**
 * The two ends of a new circuit meet: by a handshake that encrypts it, or, where neither wants that, each by two octets of 0.
 * A deadline is the caller's: `reader.fail`.
 * @returns what the peers say to each other
 * @throws PeerError PEER_NOISE, PEER_IDENTITY, PEER_RESET, and what `reader.fail` was given; the circuit is over
 */
export const meet = async (reader: Reader, options: MeetingOptions): Promise<Conn> => {
  if (!options.encrypt) return meetBare(reader)
  if (options.role === 'responder' && (await read(reader, peekFirst)) === 0) {
    await refuse(reader.release(), NOT_BARE)
    throw new PeerError('PEER_NOISE', 'the other peer does not encrypt, and this one does')
  }
  return secure(reader, options)
}

const meetBare = async (reader: Reader): Promise<Conn> => {
  reader.conn.write(BARE)
  if ((await read(reader, first)) === 0) return reader.release()
  // Not reset at once: the other one is still to read what was said.
  await refuse(reader.release(), new Uint8Array(0))
  throw new PeerError('PEER_NOISE', 'the other peer encrypts, and this one was told not to')
}

const read = async (reader: Reader, decode: Decode<number>): Promise<number> => {
  try {
    return await reader.read(decode)
  } catch (error) {
    reader.release().reset()
    throw peerErrorOf(error)
  }
}
