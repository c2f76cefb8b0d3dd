import type { Caller } from '@sluice/service'
import type { DoneRequest } from '@sluice/service/http'
import type { ForwardedRequest } from '@sluice/wire'
import { parentOf, type RequestTrace, type Tracer } from './trace.ts'

const PARENT = /\r\ntraceparent:[^\r\n]*/gi
const STATE = /\r\ntracestate:[^\r\n]*/gi
const NAME_SIZE = '\r\ntraceparent:'.length

/** Follows forwarded requests by their traces, and has their targets told of them. */
export class ForwardTraces {
  readonly #tracer: Tracer
  readonly #traces = new WeakMap<ForwardedRequest, RequestTrace>()

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  /** @returns what is to be sent on */
  begin(request: ForwardedRequest, id: string | undefined, caller: Caller): ForwardedRequest {
    const lines = request.head.match(PARENT) ?? []
    if (lines.length === 0 && !this.#tracer.records) return request
    const parent = parentOf(lines.map((line) => line.slice(NAME_SIZE)))
    const { method, address, path } = request
    const { door, protocol } = caller
    const subject = { id, method, scheme: 'http', ...address, path: path.split('?', 1)[0], door, protocol }
    const trace = this.#tracer.begin(subject, parent)
    const traced = { ...request, head: headWith(request.head, trace.traceparent, parent !== undefined) }
    this.#traces.set(traced, trace)
    return traced
  }

  end({ request, waitedMs, status, code }: DoneRequest): void {
    const trace = this.#traces.get(request)
    if (trace === undefined) return
    if (waitedMs !== undefined) trace.turn(waitedMs)
    if (status !== 0) trace.head(status)
    trace.end(code)
  }
}

const headWith = (head: string, traceparent: string | undefined, keepsState: boolean): string => {
  const bare = head.replaceAll(PARENT, '')
  const rest = keepsState ? bare : bare.replaceAll(STATE, '')
  return traceparent === undefined ? rest : `${rest.slice(0, -2)}traceparent: ${traceparent}\r\n\r\n`
}
