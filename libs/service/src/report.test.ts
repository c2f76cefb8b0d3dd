import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { createReporter } from './report.ts'
import type { Reporter, Sentry } from './report.ts'

const DSN = 'http://key@127.0.0.1:9/1'

class FakeSentry implements Sentry {
  loaded = 0
  options: Record<string, unknown> = {}
  readonly captured: [unknown, unknown][] = []
  readonly closed: number[] = []

  init(options: Record<string, unknown>): void {
    this.options = options
  }

  linkedErrorsIntegration(): string {
    return 'linked'
  }

  captureException(error: unknown, hint: { tags: Record<string, string> }): string {
    this.captured.push([error, hint.tags])
    return 'id'
  }

  async close(timeoutMs: number): Promise<boolean> {
    this.closed.push(timeoutMs)
    return true
  }
}

function make(dsn?: string, load?: () => Promise<Sentry>) {
  const sentry = new FakeSentry()
  const warnings: unknown[] = []
  const clock = { now: 0 }
  const reporter: Reporter = createReporter({
    env: { SENTRY_DSN: dsn },
    app: 'remote-proxy',
    version: '1.2.3',
    log: { warn: (...args: unknown[]) => void warnings.push(args) },
    load:
      load ??
      (async () => {
        sentry.loaded += 1
        return sentry
      }),
    now: () => clock.now,
  })
  return { reporter, sentry, warnings, clock }
}

describe('createReporter', () => {
  it.each([undefined, ''])('loads nothing where the DSN is %j', async (dsn) => {
    const { reporter, sentry } = make(dsn)
    reporter.report(new Error('x'))
    await reporter.close(1000)
    expect(sentry).toMatchObject({ loaded: 0, captured: [], closed: [] })
  })

  it('sends an error with its tags, also one that came before the package was loaded', async () => {
    const { reporter, sentry } = make(DSN)
    const error = new Error('x')
    reporter.report(error, { code: 'INTERNAL' })
    await reporter.close(2000)
    expect(sentry.options).toMatchObject({ dsn: DSN, release: 'sluice@1.2.3', defaultIntegrations: false })
    expect(sentry.captured).toEqual([[error, { app: 'remote-proxy', code: 'INTERNAL' }]])
    expect(sentry.closed).toEqual([2000])
  })

  it('goes on without it where it cannot be loaded', async () => {
    const broken = new Error('no such package')
    const { reporter, warnings } = make(DSN, () => Promise.reject(broken))
    reporter.report(new Error('x'))
    await reporter.close(1000)
    expect(warnings).toEqual([[{ err: broken }, 'report.off']])
  })

  it('sends at most 30 a minute', async () => {
    const { reporter, sentry, clock } = make(DSN)
    for (let i = 0; i < 100; i += 1) reporter.report(i)
    clock.now = 59_999
    reporter.report('too early')
    clock.now = 60_000
    reporter.report('next minute')
    await reporter.close(1000)
    expect(sentry.captured).toHaveLength(31)
    expect(sentry.captured.at(-1)?.[0]).toBe('next minute')
  })

  it('sends stack, causes and tags through the real package, and nothing about machine or user', async () => {
    let posted: Promise<string> | undefined
    const server = createServer((request, response) => {
      posted = text(request)
      void posted.then(() => response.end('{}'))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const reporter = createReporter({
      env: { SENTRY_DSN: `http://key@127.0.0.1:${port}/1` },
      app: 'remote-proxy',
      version: '1.2.3',
      log: { warn: () => undefined },
    })
    reporter.report(new Error('outer', { cause: new TypeError('inner') }), { door: 'socks' })
    await reporter.close(5000)
    server.close()
    const [, , line = ''] = ((await posted) ?? '').split('\n')
    const event: unknown = JSON.parse(line)
    expect(event).toMatchObject({
      release: 'sluice@1.2.3',
      tags: { app: 'remote-proxy', door: 'socks' },
      exception: {
        values: [
          { type: 'TypeError', value: 'inner' },
          { type: 'Error', value: 'outer' },
        ],
      },
    })
    expect(event).not.toHaveProperty('server_name')
    expect(event).not.toHaveProperty('user')
    expect(event).not.toHaveProperty('breadcrumbs')
  })
})
