import { type Connected, formatNodeId, type Incoming, nodeIdOf, type RelayFrame } from '@sluice/wire/relay'
import { answerOf, type FramePort } from './frame-port.ts'
import { isSame } from './identity.ts'
import { refused } from './login.ts'
import { PeerError } from './peer-error.ts'

/** Asks for a circuit to `destination`, a NodeID. */
export const connectFrame = (destination: Uint8Array): RelayFrame => ({ type: 'connect', destination })

/** Takes a circuit that was offered, on a connection of its own. */
export const acceptFrame = ({ circuitId, token }: Incoming): RelayFrame => ({
  type: 'accept',
  circuitId,
  token,
})

/**
 * What comes of a `connectFrame` or `acceptFrame` that was sent: behind it the connection is the circuit.
 * @param peer NodeID of whom the circuit has to lead to
 * @throws PeerError RELAY_REFUSED, RELAY_GOAWAY, RELAY_PROTOCOL, and what `port` throws
 */
export const connectedTo = async (port: FramePort, peer: Uint8Array): Promise<Connected> => {
  const answer = await answerOf(port, 'connected', 'connectRefused')
  if (answer.type === 'connectRefused') {
    const { status, reason, retryAfter, address } = answer
    throw refused(status, reason, { retryAfter, address })
  }
  if (!isSame(answer.peer, peer) || !isSame(nodeIdOf(answer.peerKey), peer)) {
    throw new PeerError('RELAY_PROTOCOL', `the relay made a circuit to another than ${formatNodeId(peer)}`)
  }
  return answer
}
