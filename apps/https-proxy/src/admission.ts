import {
  type Clock,
  FairQueue,
  type QueueErrorCode,
  type QueueGuest,
  type QueueLimits,
  type QueuePlace,
  type QueueRefusal,
  type QueueSlot,
  type QueueTicket,
  systemClock,
} from '@sluice/ratelimit'
import { type Caller, clientNetwork, type ErrorCode, ServiceError } from '@sluice/service'
import { type QueueReport, reportOf } from './queue-report.ts'
import { RequestRates } from './request-rates.ts'

/** What may wait and run, and how often anyone may ask. Infinity: no limit. */
export interface AdmissionLimits extends QueueLimits {
  /** Of one user at once, waiting and running. */
  readonly userRequests?: number | undefined
  /** Of one user, per second. */
  readonly userRequestRate?: number | undefined
  /** Of one client address (IPv6: a /64), per second, whoever comes from there. */
  readonly addressRequestRate?: number | undefined
}

/** A request that wants to be made. */
export interface AdmissionTicket {
  readonly caller: Caller
  /** Of one user's, those of the lower number go first: 0 to 2. */
  readonly priority: number
  /** Held while it waits. */
  readonly bytes: number
  readonly signal?: AbortSignal | undefined
  /** By what its user finds it in the report. */
  readonly id?: string | undefined
}

/** Leave to make a request. Disposed once it is over: the time until then is what it cost its user. */
export type Slot = QueueSlot

/** Decides who may make a request now, who waits for their turn, and who is told to come again. */
export class Admission {
  readonly #clock: Clock
  readonly #queue: FairQueue
  readonly #userRates: RequestRates
  readonly #addressRates: RequestRates
  #limits: AdmissionLimits

  /** @throws RangeError for a limit that makes no sense */
  constructor(limits: AdmissionLimits, clock: Clock = systemClock) {
    this.#limits = limits
    this.#clock = clock
    this.#queue = new FairQueue({ ...queueLimits(limits), clock, refusal: inOurWords })
    this.#userRates = new RequestRates(limits.userRequestRate ?? Infinity)
    this.#addressRates = new RequestRates(limits.addressRequestRate ?? Infinity)
  }

  /**
   * A slot, at once or when its turn comes. Rejects with a ServiceError ADDRESS_RATE_LIMIT, REQUEST_RATE_LIMIT,
   * REQUEST_LIMIT, QUEUE_FULL, QUEUE_TIMEOUT, OVERLOADED or SHUTDOWN that tells when to come again, or with the
   * signal's reason.
   */
  async enter(ticket: AdmissionTicket): Promise<Slot> {
    return this.#queue.enter(this.#admitted(ticket))
  }

  /**
   * As `enter`, without a promise and a signal: `guest` is told, and leaves its place by itself.
   * @returns undefined: it does not wait @throws ServiceError of a rate or a number of requests
   */
  join(ticket: AdmissionTicket, guest: QueueGuest): QueuePlace | undefined {
    return this.#queue.join(this.#admitted(ticket), guest)
  }

  /** What the queue looks like, and where `caller` stands in it. */
  report(caller?: Caller): QueueReport {
    return reportOf(this.#queue, this.#limits, caller && userOf(caller))
  }

  /** Holds at once. Those who wait or run already stay. @throws RangeError, and then nothing has changed */
  set(limits: AdmissionLimits): void {
    this.#queue.set(queueLimits(limits))
    this.#limits = limits
    const now = this.#clock.now()
    this.#userRates.set(limits.userRequestRate ?? Infinity, now)
    this.#addressRates.set(limits.addressRequestRate ?? Infinity, now)
  }

  /** Refuses all who wait and all who come. */
  close(): void {
    this.#queue.close()
  }

  /** @throws ServiceError */
  #admitted({ caller, priority, bytes, signal, id: label }: AdmissionTicket): QueueTicket {
    const client = clientNetwork(caller.client.host)
    const user = ownerOf(caller, client)
    this.#checkLimits(user, client)
    return { user, client, priority, bytes, signal, label }
  }

  #checkLimits(user: string, client: string): void {
    const now = this.#clock.now()
    const addressMs = this.#addressRates.take(client, now)
    if (addressMs > 0) throw refusal('ADDRESS_RATE_LIMIT', addressMs)
    const userMs = this.#userRates.take(user, now)
    if (userMs > 0) throw refusal('REQUEST_RATE_LIMIT', userMs)
    const { userRequests = Infinity } = this.#limits
    if (userRequests === Infinity) return
    const { waiting, running, expectedWaitMs } = this.#queue.look(user)
    if (waiting + running >= userRequests) {
      throw refusal('REQUEST_LIMIT', Math.min(60_000, Math.max(1000, expectedWaitMs)))
    }
  }
}

const queueLimits = (limits: AdmissionLimits): Required<QueueLimits> => {
  const { slots, maxWaiting, maxWaitingBytes, timeoutMs, shedTargetMs = Infinity } = limits
  return { slots, maxWaiting, maxWaitingBytes, timeoutMs, shedTargetMs }
}

const userOf = (caller: Caller): string => ownerOf(caller, clientNetwork(caller.client.host))

/** Guests are told apart by where they come from. */
const ownerOf = ({ account }: Caller, network: string): string =>
  account.name === undefined ? `guest ${network}` : account.user.id

const refusal = (code: ErrorCode, retryMs: number): ServiceError =>
  new ServiceError(code, undefined, { retryMs })

const CODES: Readonly<Record<QueueErrorCode, ErrorCode>> = {
  QUEUE_CLOSED: 'SHUTDOWN',
  QUEUE_FULL: 'QUEUE_FULL',
  QUEUE_SHED: 'OVERLOADED',
  QUEUE_TIMEOUT: 'QUEUE_TIMEOUT',
}

const inOurWords: QueueRefusal = (code, message, retryMs) =>
  new ServiceError(CODES[code], message, { retryMs })
