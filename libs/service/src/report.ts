import type { Log } from './log.ts'

/** What little we use of @sentry/node. */
export interface Sentry {
  init(options: Record<string, unknown>): unknown
  /** Sends the causes of an error along. */
  linkedErrorsIntegration(): unknown
  captureException(error: unknown, hint: { tags: Record<string, string> }): string
  close(timeoutMs: number): PromiseLike<boolean>
}

/** Tells somebody about errors of ours. */
export interface Reporter {
  /** Never throws and never waits. `tags` are few and short: code, door; never a user, an address or a secret. */
  report(error: unknown, tags?: Readonly<Record<string, string>>): void
  /** Resolves when what was reported is sent, or after `timeoutMs`. Later reports go nowhere. */
  close(timeoutMs: number): Promise<void>
}

export interface ReporterOptions {
  env: Readonly<Record<string, string | undefined>>
  app: string
  version: string
  log: Pick<Log, 'warn'>
  load?: () => Promise<Sentry>
  /** Monotonic, ms. */
  now?: () => number
}

const MINUTE_MS = 60_000
const MAX_PER_MINUTE = 30

/**
 * Sends errors to the Sentry of `SENTRY_DSN`. Without one it does nothing, and the package is not even loaded: that
 * alone takes half a second and tens of megabytes.
 */
export function createReporter(options: ReporterOptions): Reporter {
  const dsn = options.env['SENTRY_DSN'] ?? ''
  if (dsn === '') return { report: () => undefined, close: async () => undefined }
  const loading = start(options, dsn)
  const allowed = perMinute(MAX_PER_MINUTE, options.now ?? (() => performance.now()))
  const send = async (error: unknown, tags: Readonly<Record<string, string>>): Promise<void> => {
    const sentry = await loading
    sentry?.captureException(error, { tags: { app: options.app, ...tags } })
  }
  return {
    report: (error, tags = {}) => void (allowed() && send(error, tags)),
    async close(timeoutMs): Promise<void> {
      const sentry = await loading
      await sentry?.close(timeoutMs)
    },
  }
}

/** Resolves to nothing where Sentry cannot be had: a program must not fail because its reports do. */
async function start(
  { version, log, load = loadSentry }: ReporterOptions,
  dsn: string,
): Promise<Sentry | undefined> {
  try {
    const sentry = await load()
    sentry.init({
      dsn,
      release: `sluice@${version}`,
      // The default ones patch http, gather breadcrumbs and catch exceptions, which is the program's own task.
      defaultIntegrations: false,
      integrations: [sentry.linkedErrorsIntegration()],
      enableRuntimeChannelInjection: false,
      dataCollection: { userInfo: false, stackFrameVariables: false },
      sendClientReports: false,
      beforeSend: onlyTheError,
    })
    return sentry
  } catch (error) {
    log.warn({ err: error }, 'report.off')
    return undefined
  }
}

async function loadSentry(): Promise<Sentry> {
  return import('@sentry/node')
}

const SENT = new Set('event_id timestamp platform level release environment exception tags sdk'.split(' '))

/** What leaves the machine: stack, message and tags; no host name, request, user, extras or variables. */
function onlyTheError(event: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(event).filter(([key]) => SENT.has(key)))
}

/** One failure can repeat with every connection. */
function perMinute(max: number, now: () => number): () => boolean {
  let since = -Infinity
  let count = 0
  return () => {
    if (now() - since >= MINUTE_MS) {
      since = now()
      count = 0
    }
    count += 1
    return count <= max
  }
}
