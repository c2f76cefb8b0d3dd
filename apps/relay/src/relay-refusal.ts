import { RELAY_STATUS, type RelayStatus, type RelayStatusName } from '@sluice/wire/relay'

/** The limits that a refusal can name, as peers read them. */
export const LIMIT_NAMES = [
  'reservations-total',
  'reservations-ip',
  'replacements',
  'circuits-total',
  'circuits-ip',
  'circuits-source',
  'circuits-destination',
  'pending',
  'connect-rate',
] as const
export type LimitName = (typeof LIMIT_NAMES)[number]

export interface RefusalDetail {
  readonly limit?: LimitName | undefined
  /** Seconds after which another try is worth it; 0: not known. */
  readonly retryAfter?: number
  /** For the peer who asked. @default the limit's name */
  readonly reason?: string
}

/** A relay's no. */
export class RelayRefusal extends Error {
  override readonly name = 'RelayRefusal'
  readonly code: RelayStatusName
  readonly limit: LimitName | undefined
  /** Seconds; 0: not known. */
  readonly retryAfter: number
  /** '' where there is no more to say than the status. */
  readonly reason: string

  constructor(code: RelayStatusName, { limit, retryAfter = 0, reason = limit ?? '' }: RefusalDetail = {}) {
    super(reason === '' ? code : `${code}: ${reason}`)
    this.code = code
    this.limit = limit
    this.retryAfter = retryAfter
    this.reason = reason
  }

  get status(): RelayStatus {
    return RELAY_STATUS[this.code]
  }
}
