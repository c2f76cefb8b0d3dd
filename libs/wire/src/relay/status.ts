/**
 * How a request at a relay went, or why something ended: one octet. 0 to 8 are those of go-dep2p 0.2, which had nothing
 * beyond; from 32 on they say why a circuit or a reservation came to its end.
 */
export const RELAY_STATUS = {
  OK: 0,
  PERMISSION_DENIED: 1,
  NO_RESERVATION: 2,
  RESOURCE_LIMIT_EXCEEDED: 3,
  MALFORMED_MESSAGE: 4,
  UNEXPECTED_MESSAGE: 5,
  CONNECTION_FAILED: 6,
  PROTOCOL_ERROR: 7,
  INTERNAL_ERROR: 8,
  RESERVATION_REFUSED: 9,
  UNSUPPORTED_VERSION: 10,
  AUTHENTICATION_FAILED: 11,
  TIMEOUT: 12,
  REJECTED: 13,
  RATE_LIMITED: 14,
  SHUTTING_DOWN: 15,
  REPLACED: 16,
  REDIRECT: 17,
  INVALID_TOKEN: 18,
  DURATION_LIMIT: 32,
  DATA_LIMIT: 33,
  IDLE_TIMEOUT: 34,
  PEER_RESET: 35,
  ADMIN_CLOSED: 36,
  RESERVATION_EXPIRED: 37,
} as const

export type RelayStatusName = keyof typeof RELAY_STATUS
/** Any octet: a newer relay may have statuses that this side does not know. */
export type RelayStatus = number

const NAMES = new Map<number, RelayStatusName>(
  Object.entries(RELAY_STATUS).map(([name, status]) => [status, name as RelayStatusName]),
)

/** The name of a status, or `STATUS_n` for one that is not known here. */
export const relayStatusName = (status: RelayStatus): string => NAMES.get(status) ?? `STATUS_${status}`
