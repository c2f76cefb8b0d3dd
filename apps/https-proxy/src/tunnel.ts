import type { Account, ErrorCode, Request } from '@sluice/service'
import type { Address } from '@sluice/wire'
import type { RequestTrace, Tracer } from './trace.ts'

type Route = Parameters<Request['accept']>[0]
type Conn = ReturnType<Request['accept']>

export interface TunnelWatch {
  readonly tracer: Tracer
  readonly door: string
  /** It stands, or was refused, after `ms`. */
  readonly onDone: (code: string, ms: number) => void
}

/** A tunnel that counts as a request which is over as soon as it stands. */
export class WatchedTunnel implements Request {
  readonly account: Account
  readonly protocol: string
  readonly target: Address
  readonly credential: object | undefined
  readonly id: string | undefined
  readonly enter: Request['enter']
  readonly #request: Request
  readonly #watch: TunnelWatch
  readonly #trace: RequestTrace
  readonly #startedAt = performance.now()

  constructor(request: Request, watch: TunnelWatch) {
    const { account, protocol, target, credential, id, enter } = request
    this.account = account
    this.protocol = protocol
    this.target = target
    this.credential = credential
    this.id = id
    this.#request = request
    this.#watch = watch
    const { tracer, door } = watch
    const { host, port } = target
    const unseen = { scheme: undefined, path: undefined }
    this.#trace = tracer.begin({ id, method: 'CONNECT', host, port, door, protocol, ...unseen }, undefined)
    this.enter =
      enter &&
      (async (caller, signal): Promise<Disposable> => {
        const slot = await enter(caller, signal)
        this.#trace.turn(performance.now() - this.#startedAt)
        return slot
      })
  }

  accept(route: Route): Conn {
    const conn = this.#request.accept(route)
    this.#done('OK')
    return conn
  }

  reject(code: ErrorCode, retryMs?: number): Promise<void> {
    this.#done(code)
    return this.#request.reject(code, retryMs)
  }

  #done(code: string): void {
    this.#trace.end(code)
    this.#watch.onDone(code, performance.now() - this.#startedAt)
  }
}
