import type { RelayStatus } from '@sluice/wire/relay'

/**
 * Every way in which a peer fails, at its relay or at the other peer.
 *
 * - `RELAY_ADDRESS` the address of a relay or the NodeID of a peer is none, or cannot be used here
 * - `RELAY_IDENTITY` the relay is not the one that was asked for, or did not prove it
 * - `RELAY_PROTOCOL` the relay said something that has no place there
 * - `RELAY_REFUSED` the relay said no; `status` says why
 * - `RELAY_GOAWAY` the relay wants this session to end; `status` says why
 * - `RELAY_CLOSED` the connection to the relay ended or broke
 * - `RELAY_TIMEOUT` the relay did not answer in time
 * - `PEER_IDENTITY` the other peer is not the one that was asked for, or did not prove it
 * - `PEER_NOISE` what the other peer sent does not open, or is no message of its protocol
 * - `PEER_TRUNCATED` the stream broke off before the other peer had ended it
 * - `PEER_RESET` the circuit was cut; `status` says why, where that is known
 * - `PEER_OVERRUN` more came than anybody read, and the transport cannot be told to wait
 * - `PEER_EXHAUSTED` a direction has used all its nonces
 * - `PEER_CLOSED` this side has closed it
 */
export const PEER_ERROR_CODES = [
  'RELAY_ADDRESS',
  'RELAY_IDENTITY',
  'RELAY_PROTOCOL',
  'RELAY_REFUSED',
  'RELAY_GOAWAY',
  'RELAY_CLOSED',
  'RELAY_TIMEOUT',
  'PEER_IDENTITY',
  'PEER_NOISE',
  'PEER_TRUNCATED',
  'PEER_RESET',
  'PEER_OVERRUN',
  'PEER_EXHAUSTED',
  'PEER_CLOSED',
] as const

export type PeerErrorCode = (typeof PEER_ERROR_CODES)[number]

export interface PeerErrorOptions extends ErrorOptions {
  /** What the relay said. */
  readonly status?: RelayStatus | undefined
  /** And more of it, such as the name of a limit; '' where there is none. */
  readonly reason?: string | undefined
  /** Seconds after which another try is worth it; 0: not known. */
  readonly retryAfter?: number | undefined
  /** A relay URL: where to go instead; '' where there is none. */
  readonly address?: string | undefined
}

export class PeerError extends Error {
  override readonly name = 'PeerError'
  readonly code: PeerErrorCode
  readonly status: RelayStatus | undefined
  readonly reason: string
  readonly retryAfter: number
  readonly address: string

  constructor(code: PeerErrorCode, message: string, options: PeerErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.status = options.status
    this.reason = options.reason ?? ''
    this.retryAfter = options.retryAfter ?? 0
    this.address = options.address ?? ''
  }
}
