/**
 * What became of a stream: the one octet with which the other side answers its header. Payload follows behind OK alone. By
 * name these are outcomes; those from 16 on are the server's answers to a visitor.
 */
export const STREAM_STATUS = {
  OK: 0,
  TARGET_DENIED: 1,
  DIAL_REFUSED: 2,
  DIAL_TIMEOUT: 3,
  DIAL_UNREACHABLE_HOST: 4,
  DIAL_UNREACHABLE_NETWORK: 5,
  DIAL_NAME_UNKNOWN: 6,
  DIAL_NAME_FAILED: 7,
  DIAL_LOCAL_LIMIT: 8,
  DIAL_FAILED: 9,
  HANDSHAKE_INVALID: 10,
  COMMAND_UNSUPPORTED: 11,
  SHUTDOWN: 12,
  VISITOR_DENIED: 16,
  TUNNEL_REMOVED: 17,
  AGENT_OFFLINE: 18,
  AGENT_LOST: 19,
  STREAM_LIMIT: 20,
  CONNECTION_LIMIT: 21,
  QUOTA_EXCEEDED: 22,
  USER_DISABLED: 23,
  USER_EXPIRED: 24,
  AUTH_FAILED: 25,
  AUTH_LIMIT: 26,
  IP_LIMIT: 27,
  USER_REMOVED: 28,
} as const

export type StreamStatusName = keyof typeof STREAM_STATUS

const NAMES: readonly (StreamStatusName | undefined)[] = Object.entries(STREAM_STATUS).reduce<
  (StreamStatusName | undefined)[]
>((names, [name, status]) => {
  names[status] = name as StreamStatusName
  return names
}, [])

/** @returns undefined for one that is not known here */
export const streamStatusName = (status: number): StreamStatusName | undefined => NAMES[status]

/** Of an outcome; DIAL_FAILED for those that have none. */
export const streamStatusOf = (code: string): number =>
  Object.hasOwn(STREAM_STATUS, code) ? STREAM_STATUS[code as StreamStatusName] : STREAM_STATUS.DIAL_FAILED
