import { type ErrorCode, ServiceError } from '@sluice/service'
import { RELAY_STATUS, type RelayStatus, type RelayStatusName, relayStatusName } from '@sluice/wire/relay'
import { RelayRefusal } from './relay-refusal.ts'

const CODE: Partial<Readonly<Record<RelayStatusName, ErrorCode>>> = {
  PERMISSION_DENIED: 'PEER_DENIED',
  NO_RESERVATION: 'RESERVATION_MISSING',
  RESERVATION_EXPIRED: 'RESERVATION_MISSING',
  MALFORMED_MESSAGE: 'HANDSHAKE_INVALID',
  CONNECTION_FAILED: 'PEER_LEFT',
  TIMEOUT: 'ACCEPT_TIMEOUT',
  REJECTED: 'PEER_REJECTED',
  RATE_LIMITED: 'RATE_LIMIT',
  SHUTTING_DOWN: 'SHUTDOWN',
  REPLACED: 'REPLACED',
  REDIRECT: 'PEER_MOVED',
  INVALID_TOKEN: 'ACCEPT_INVALID',
  DURATION_LIMIT: 'DURATION_LIMIT',
  DATA_LIMIT: 'DATA_LIMIT',
  IDLE_TIMEOUT: 'IDLE_TIMEOUT',
  ADMIN_CLOSED: 'ADMIN_CLOSED',
  PEER_RESET: 'CLIENT_RESET',
}

/** What a no of the relay is as the outcome of a session. */
export const errorOf = (refusal: RelayRefusal): ServiceError => {
  const { code, limit, reason } = refusal
  const isFull = code === 'RESOURCE_LIMIT_EXCEEDED'
  const full = limit?.startsWith('reservations') ? 'RESERVATION_LIMIT' : 'CIRCUIT_LIMIT'
  return new ServiceError(isFull ? full : (CODE[code] ?? 'INTERNAL'), reason || undefined, { cause: refusal })
}

/** The same of a circuit that was open, and is cut with `status`. */
export const errorOfStatus = (status: RelayStatus): ServiceError => {
  const name = relayStatusName(status)
  return errorOf(new RelayRefusal(name in RELAY_STATUS ? (name as RelayStatusName) : 'INTERNAL_ERROR'))
}
