import { OUTCOMES, type Serving } from '@sluice/service'
import { formatAddress } from '@sluice/wire'
import type { Exchange } from './exchange.ts'
import type { RequestDone } from './settings.ts'

const MAX_PATH = 1024

export const doneOf = (exchange: Exchange): RequestDone => {
  const { id, method, url, path, status, code, up, down, waitedMs, type, startedAt, host } = exchange
  const ms = Math.round(performance.now() - startedAt)
  const answered = exchange.reply.headersSent ? status : 0
  return { id, method, url, path, status: answered, code, up, down, waitedMs, ms, type, caller: host.session }
}

/** The line of a request that is over: in the access log, where there is one, unless it is for the operator. */
export const writeRequestLine = (session: Serving, done: RequestDone): void => {
  const { log, accessLog, metrics, door, protocol, account, client } = session
  const { id, method, url, path, status, code, up, down, waitedMs, ms } = done
  const { level } = OUTCOMES[code]
  metrics.served(code, ms)
  if (accessLog !== undefined) {
    writeAccess(session, done)
    if (level === 'info') return
  }
  if (!log.isLevelEnabled(level)) return
  const shown = (url?.pathname ?? path).slice(0, MAX_PATH)
  const who = { door, protocol, user: account.name, client: formatAddress(client) }
  log[level](
    { ...who, id, method, host: url?.host, path: shown, status, code, up, down, waitedMs, ms },
    'request.end',
  )
}

const writeAccess = ({ accessLog, door, account, client }: Serving, done: RequestDone): void => {
  const { id, method, url, path, status, code, up, down, ms, type } = done
  const target = url === undefined ? path : `${url.origin}${url.pathname}`
  // As Squid has it: that there was a query, and no more.
  const shown = `${target.slice(0, MAX_PATH)}${url === undefined || url.search === '' ? '' : '?'}`
  accessLog!.write({
    id,
    at: Date.now(),
    ms,
    door,
    client,
    user: account.name,
    method,
    url: shown,
    status: status === 0 ? OUTCOMES[code].http : status,
    code,
    up,
    down,
    peer: undefined,
    type,
  })
}
