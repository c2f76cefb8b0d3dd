import type { Caller } from '@sluice/service'
import type { DoneRequest } from '@sluice/service/http'
import { decodeRequestHead, fieldValues, type ForwardedRequest, forwardRequest } from '@sluice/wire'
import { expect, it } from 'vitest'
import { ForwardTraces } from './forward-traces.ts'
import { plainTracer, type RequestTrace, type Tracer } from './trace.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = `00-${TRACE}-00f067aa0ba902b7-01`
const CALLER = { door: 'proxy', protocol: 'http' } as Caller

const requestOf = (...fields: string[]): ForwardedRequest => {
  const lines = ['GET http://a.example:81/b?secret=c HTTP/1.1', 'Host: a.example', ...fields]
  return forwardRequest(decodeRequestHead(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`))!.value, 'via')
}

const sent = (request: ForwardedRequest, tracer: Tracer = plainTracer): ForwardedRequest =>
  new ForwardTraces(tracer).begin(request, 'one', CALLER)

const traceOf = ({ head }: ForwardedRequest): string[][] => {
  const { value } = decodeRequestHead(Buffer.from(head, 'latin1'))!
  return ['traceparent', 'tracestate'].map((name) => fieldValues(value, name))
}

it('tells the target of a span of its own, in the trace of the client', () => {
  const [[parent = ''] = [], state] = traceOf(sent(requestOf(`TraceParent: ${PARENT}`, 'tracestate: x=y')))
  expect(parent).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`))
  expect(parent).not.toBe(PARENT)
  expect(state).toEqual(['x=y'])
})

it('leaves alone what has no trace', () => {
  const request = requestOf('a: b')
  expect(sent(request)).toBe(request)
})

it.each([['traceparent: x'], [`traceparent: ${PARENT}\r\ntraceparent: ${PARENT}`]])(
  'drops a trace that cannot be: %j',
  (field) => {
    expect(traceOf(sent(requestOf(field, 'tracestate: x=y')))).toEqual([[], []])
  },
)

it('records the request, without its query, and how it went', () => {
  const seen: unknown[] = []
  const trace: RequestTrace = {
    traceparent: PARENT,
    turn: (ms) => void seen.push(['turn', ms]),
    head: (status) => void seen.push(['head', status]),
    end: (code) => void seen.push(['end', code]),
  }
  const begin: Tracer['begin'] = (subject, parent) => {
    seen.push(subject, parent)
    return trace
  }
  const traces = new ForwardTraces({ records: true, begin, close: () => Promise.resolve() })
  const request = traces.begin(requestOf(), 'one', CALLER)
  expect(traceOf(request)[0]).toEqual([PARENT])
  traces.end({ request, waitedMs: 3, status: 200, code: 'OK' } as DoneRequest)
  expect(seen).toEqual([
    {
      ...{ id: 'one', method: 'GET', scheme: 'http', host: 'a.example', port: 81, path: '/b' },
      ...{ door: 'proxy', protocol: 'http' },
    },
    undefined,
    ['turn', 3],
    ['head', 200],
    ['end', 'OK'],
  ])
})
