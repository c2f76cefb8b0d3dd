import { type AccessEntry, type Log, OUTCOMES, type Serving } from '@sluice/service'
import { formatAddress } from '@sluice/wire'
import type { CompatAnswer } from './compat-answer.ts'
import type { CompatJob } from './compat-job.ts'

const MAX_PATH = 1024

/** Writes the line of each request of one connection that is over. */
export class RequestLog {
  readonly #session: Serving
  #log: Pick<Log, 'isLevelEnabled' | 'info' | 'warn' | 'error'> | undefined = undefined

  constructor(session: Serving) {
    this.#session = session
  }

  /** @param answer none where nobody was there any more to get one */
  write(job: CompatJob, answer: CompatAnswer | undefined): void {
    const { log, accessLog, metrics, door, protocol, account, client } = this.#session
    const { id, code, request } = job
    const ms = Math.round(performance.now() - job.startedAt)
    metrics.served(code, ms)
    const { level } = OUTCOMES[code]
    const [up, down, status] = [request?.body?.length ?? 0, answer?.bodyBytes ?? 0, answer?.status ?? 0]
    if (accessLog !== undefined) {
      this.#access(job, { ms, up, down, status, at: Date.now() })
      if (level === 'info') return
    }
    if (!log.isLevelEnabled(level)) return
    this.#log ??= log.child({ door, protocol, user: account.name, client: formatAddress(client) })
    const { method } = request ?? {}
    const [host, path] = [request?.url.host, request?.url.pathname.slice(0, MAX_PATH)]
    this.#log[level]({ id, method, host, path, status, code, up, down, ms }, 'request.end')
  }

  #access(
    { code, request, type }: CompatJob,
    facts: Pick<AccessEntry, 'at' | 'ms' | 'up' | 'down' | 'status'>,
  ): void {
    const { accessLog, door, account, client } = this.#session
    const { method, url } = request ?? {}
    // As Squid has it: that there was a query, and no more.
    const shown = url && `${url.origin}${url.pathname.slice(0, MAX_PATH)}${url.search === '' ? '' : '?'}`
    accessLog!.write({
      ...facts,
      door,
      client,
      user: account.name,
      method,
      url: shown,
      code,
      peer: undefined,
      type,
    })
  }
}
