import { fieldValues, formatAddress } from '@sluice/wire'
import { OUTCOMES } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { Serving } from '../../request.ts'
import type { Exchange } from './exchange.ts'

const MAX_PATH = 1024

type Line = Pick<Log, 'isLevelEnabled' | 'info' | 'warn' | 'error'>

/** Writes the lines of one connection's requests. What they have in common is made into text once. */
export class RequestLog {
  readonly #session: Serving
  readonly #scheme: string
  #log: Line | undefined = undefined
  #user: string | undefined = undefined

  /** @param scheme what the client speaks */
  constructor(session: Serving, scheme = 'http') {
    this.#session = session
    this.#scheme = scheme
  }

  /** The line of a request that is over: in the access log, where there is one, unless it is for the operator. */
  write(exchange: Exchange): void {
    const { log, accessLog } = this.#session
    const { id, request, upstream, status, code, rule, up, down, waitedMs, ms } = exchange
    const { level } = OUTCOMES[code]
    if (accessLog !== undefined) {
      this.#access(exchange)
      if (level === 'info') return
    }
    if (!log.isLevelEnabled(level)) return
    const { method, authority: host } = request
    this.#logOf(exchange.owner.name)[level](
      { id, method, host, path: pathOf(request), upstream, status, code, rule, up, down, waitedMs, ms },
      'request.end',
    )
  }

  #logOf(user: string | undefined): Line {
    if (this.#log !== undefined && user === this.#user) return this.#log
    const { log, door, protocol, client } = this.#session
    this.#user = user
    return (this.#log = log.child({ door, protocol, user, client: formatAddress(client) }))
  }

  #access({ id, request, status, code, up, down, ms, peer, upstream, fields, owner }: Exchange): void {
    const { accessLog, door, client } = this.#session
    const { method, authority, path } = request
    accessLog!.write({
      id,
      at: Date.now(),
      ms,
      door,
      client,
      user: owner.name,
      method,
      // As Squid has it: that there was a query, and no more.
      url: `${this.#scheme}://${authority}${pathOf(request)}${path.includes('?') ? '?' : ''}`,
      status: status === 0 ? OUTCOMES[code].http : status,
      code,
      up,
      down,
      peer,
      upstream,
      type: fieldValues({ fields }, 'content-type')[0],
    })
  }
}

/** Without its query, since secrets are found there. */
const pathOf = ({ path }: Exchange['request']): string => {
  const query = path.indexOf('?')
  return path.slice(0, Math.min(MAX_PATH, query < 0 ? path.length : query))
}
