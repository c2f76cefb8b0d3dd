import type { Span, SpanContext } from '@opentelemetry/api'
import type { SpanExporter } from '@opentelemetry/sdk-trace-base'
import type { RequestTrace, Tracer, TraceSubject } from './trace.ts'
import { formatTraceparent, type TraceContext } from './trace-context.ts'

export interface OtlpOptions {
  /** The collector; spans go to `/v1/traces` below it. */
  readonly url: URL
  readonly version: string
  /** Told of spans that could not be sent. */
  readonly onError: (error: Error) => void
}

const PATH = '/v1/traces'
const TIMEOUT_MS = 10_000
const ERROR = 2
const SERVER = 1

const endpointOf = ({ href, pathname }: URL): string =>
  pathname.endsWith(PATH) ? href : `${href.replace(/\/$/, '')}${PATH}`

/** One span, from the head of a request to the end of its answer. */
class RequestSpan implements RequestTrace {
  readonly traceparent: string
  readonly #span: Span

  constructor(span: Span) {
    this.#span = span
    const { traceId, spanId, traceFlags: flags } = span.spanContext()
    this.traceparent = formatTraceparent({ traceId, spanId, flags })
  }

  turn(waitedMs: number): void {
    this.#span.setAttribute('sluice.wait_ms', Math.round(waitedMs))
    this.#span.addEvent('turn')
  }

  head(status: number): void {
    this.#span.setAttribute('http.response.status_code', status)
    this.#span.addEvent('response.head')
  }

  end(code: string): void {
    if (!this.#span.isRecording()) return
    this.#span.setAttribute('sluice.code', code)
    if (code !== 'OK') this.#span.setStatus({ code: ERROR, message: code })
    this.#span.end()
  }
}

const attributesOf = (subject: TraceSubject): Record<string, string | number> => ({
  'http.request.method': subject.method,
  'server.address': subject.host,
  'sluice.door': subject.door,
  'sluice.protocol': subject.protocol,
  ...(subject.id !== undefined && { 'sluice.request_id': subject.id }),
  ...(subject.scheme !== undefined && { 'url.scheme': subject.scheme }),
  ...(subject.port !== undefined && { 'server.port': subject.port }),
  ...(subject.path !== undefined && { 'url.path': subject.path }),
})

const remote = ({ traceId, spanId, flags }: TraceContext): SpanContext => ({
  traceId,
  spanId,
  traceFlags: flags,
  isRemote: true,
})

/** Tells of what it could not send, which nobody would hear of otherwise. */
const told = (exporter: SpanExporter, onError: (error: Error) => void): SpanExporter => ({
  export: (spans, done) =>
    exporter.export(spans, (result) => {
      if (result.error !== undefined) onError(result.error)
      done(result)
    }),
  shutdown: () => exporter.shutdown(),
})

/**
 * Records a span for each request, unless its parent says that it is not, and sends them to a collector with OTLP over
 * HTTP. `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_RESOURCE_ATTRIBUTES` count as everywhere.
 */
export const openOtlpTracer = async ({ url, version, onError }: OtlpOptions): Promise<Tracer> => {
  // Loaded here, since most programs send nothing anywhere.
  const [api, sdk, { OTLPTraceExporter }, { envDetector, resourceFromAttributes, detectResources }] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace-base'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ])
  const exporter = new OTLPTraceExporter({ url: endpointOf(url), timeoutMillis: TIMEOUT_MS })
  const service = resourceFromAttributes({ 'service.name': 'https-proxy', 'service.version': version })
  const provider = new sdk.BasicTracerProvider({
    resource: service.merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new sdk.BatchSpanProcessor(told(exporter, onError))],
  })
  const tracer = provider.getTracer('sluice')
  return {
    records: true,
    begin: (subject, parent) => {
      const { ROOT_CONTEXT, trace } = api
      const context = parent ? trace.setSpanContext(ROOT_CONTEXT, remote(parent)) : ROOT_CONTEXT
      const options = { kind: SERVER, attributes: attributesOf(subject) }
      return new RequestSpan(tracer.startSpan(subject.method, options, context))
    },
    // What went wrong has been told.
    close: () => provider.shutdown().catch(() => {}),
  }
}
