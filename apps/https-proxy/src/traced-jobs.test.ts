import { type Caller, ServiceError } from '@sluice/service'
import type { HttpField } from '@sluice/wire'
import { expect, it } from 'vitest'
import type { JobRequest, Jobs, JobSink } from './job.ts'
import { openCollector } from './testing/collector.ts'
import { plainTracer, type Tracer } from './trace.ts'
import { openOtlpTracer } from './trace-otlp.ts'
import { TracedJobs, type Traces } from './traced-jobs.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const PARENT = `00-${TRACE}-${SPAN}-01`

const requestOf = (fields: readonly HttpField[]): JobRequest => ({
  ...{ method: 'GET', url: new URL('https://a.example/b?secret=c'), fields, body: undefined },
  ...{ bodyBytes: undefined, redirects: 0, priority: 1, timing: 'stream', trace: undefined, id: 'one' },
  caller: { door: 'proxy', protocol: 'api' } as Caller,
})

const sink: JobSink = { onHead: () => {}, onData: () => true, onEnd: () => {}, onFailed: () => {} }

/** Jobs that do nothing, and what they were asked. */
const fakeJobs = (): { jobs: Jobs; asked: JobRequest[]; sinks: JobSink[] } => {
  const [asked, sinks]: [JobRequest[], JobSink[]] = [[], []]
  const run: Jobs['run'] = (request, to) => {
    asked.push(request)
    sinks.push(to)
    return { resume: () => {}, cancel: () => {} }
  }
  return { jobs: { run }, asked, sinks }
}

const ask = (fields: readonly HttpField[], tracer: Tracer = plainTracer): JobRequest => {
  const { jobs, asked } = fakeJobs()
  new TracedJobs(jobs, tracer, new Map()).run(requestOf(fields), sink)
  return asked[0]!
}

it('tells origins of a span of its own, in the trace of the client', () => {
  const { trace, fields } = ask([
    ['a', 'b'],
    ['Traceparent', PARENT],
    ['tracestate', 'x=y'],
  ])
  expect(trace).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`))
  expect(trace).not.toContain(SPAN)
  expect(fields).toEqual([
    ['a', 'b'],
    ['tracestate', 'x=y'],
  ])
})

it.each([
  ['none', []],
  ['one that is malformed', [['traceparent', 'x']]],
  [
    'two',
    [
      ['traceparent', PARENT],
      ['traceparent', PARENT],
    ],
  ],
] as [string, HttpField[]][])('tells them nothing where the client sent %s', (_what, fields) => {
  expect(ask([...fields, ['tracestate', 'x=y'], ['a', 'b']])).toMatchObject({
    trace: undefined,
    fields: [['a', 'b']],
  })
})

it('sends a span for each request to the collector, without its query', async () => {
  using collector = await openCollector()
  const errors: Error[] = []
  const onError = (error: Error): void => void errors.push(error)
  const tracer = await openOtlpTracer({ url: collector.url, version: '1.2.3', onError })
  const traces: Traces = new Map()
  const { jobs, asked, sinks } = fakeJobs()
  const traced = new TracedJobs(jobs, tracer, traces)
  traced.run(requestOf([['traceparent', PARENT]]), sink)
  traces.get('one')!.turn(12.3)
  sinks[0]!.onHead({ status: 201, fields: [], url: new URL('https://a.example/'), cached: false })
  sinks[0]!.onEnd([])
  const cut = traced.run(requestOf([]), sink)
  cut.cancel(new ServiceError('CLIENT_CLOSED'))
  sinks[1]!.onFailed(new Error('too late'))
  expect(traces.size).toBe(0)
  await tracer.close()
  expect(errors).toEqual([])
  expect(collector.sent).toHaveLength(1)
  const { path, body } = collector.sent[0]!
  expect([path, body.resourceSpans[0]?.resource.attributes]).toEqual([
    '/v1/traces',
    expect.arrayContaining([{ key: 'service.name', value: { stringValue: 'https-proxy' } }]),
  ])
  const [first, second] = collector.spans()
  expect(first).toMatchObject({ traceId: TRACE, parentSpanId: SPAN, name: 'GET', kind: 2 })
  expect(asked[0]!.trace).toBe(`00-${TRACE}-${first!.spanId}-01`)
  expect(first!.attributes).toEqual(
    expect.arrayContaining([
      { key: 'url.path', value: { stringValue: '/b' } },
      { key: 'server.port', value: { intValue: 443 } },
      { key: 'sluice.wait_ms', value: { intValue: 12 } },
      { key: 'http.response.status_code', value: { intValue: 201 } },
      { key: 'sluice.code', value: { stringValue: 'OK' } },
    ]),
  )
  expect(second).toMatchObject({ status: { code: 2, message: 'CLIENT_CLOSED' } })
  expect(asked[1]!.trace).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  expect(JSON.stringify(body)).not.toContain('secret')
})

it('tells of spans that the collector does not take', async () => {
  using collector = await openCollector(400)
  const errors: Error[] = []
  const onError = (error: Error): void => void errors.push(error)
  const tracer = await openOtlpTracer({ url: new URL('/v1/traces', collector.url), version: '1', onError })
  const { jobs, sinks } = fakeJobs()
  new TracedJobs(jobs, tracer, new Map()).run(requestOf([]), sink)
  sinks[0]!.onEnd([])
  await tracer.close()
  expect([collector.sent[0]?.path, errors.length]).toEqual(['/v1/traces', 1])
})
