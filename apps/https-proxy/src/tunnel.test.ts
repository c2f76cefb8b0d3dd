import type { Account, Caller, Request } from '@sluice/service'
import { expect, it } from 'vitest'
import type { Tracer, TraceSubject } from './trace.ts'
import { WatchedTunnel } from './tunnel.ts'

type Route = Parameters<Request['accept']>[0]

const CONN = {} as ReturnType<Request['accept']>

/** A tunnel, and all that is told of it. */
const watched = (enter?: Request['enter']): { tunnel: WatchedTunnel; seen: unknown[] } => {
  const seen: unknown[] = []
  const request: Request = {
    ...{ account: {} as Account, protocol: 'connect', id: 'one', enter },
    target: { host: 'a.example', port: 443 },
    accept: () => CONN,
    reject: (code, retryMs) => Promise.resolve(void seen.push(['reject', code, retryMs])),
  }
  const tracer: Tracer = {
    records: true,
    begin: (subject: TraceSubject) => {
      seen.push(subject)
      return {
        traceparent: undefined,
        turn: (ms) => void seen.push(['turn', ms >= 0]),
        head: () => {},
        end: (code) => void seen.push(['end', code]),
      }
    },
    close: () => Promise.resolve(),
  }
  const onDone = (code: string, ms: number): void => void seen.push(['done', code, ms >= 0])
  return { tunnel: new WatchedTunnel(request, { tracer, door: 'proxy', onDone }), seen }
}

const SUBJECT = expect.objectContaining({ method: 'CONNECT', host: 'a.example', port: 443, path: undefined })

it('is over as a request as soon as it stands', async () => {
  const slot: Disposable = { [Symbol.dispose]: () => {} }
  const { tunnel, seen } = watched(() => Promise.resolve(slot))
  expect(tunnel).toMatchObject({ id: 'one', protocol: 'connect', target: { host: 'a.example', port: 443 } })
  const { signal } = new AbortController()
  expect(await tunnel.enter!({} as Caller, signal)).toBe(slot)
  expect(tunnel.accept({} as Route)).toBe(CONN)
  expect(seen).toEqual([SUBJECT, ['turn', true], ['end', 'OK'], ['done', 'OK', true]])
})

it('is over when it is refused, in the words of its protocol', async () => {
  const { tunnel, seen } = watched()
  expect(tunnel.enter).toBeUndefined()
  await tunnel.reject('QUEUE_FULL', 2000)
  expect(seen).toEqual([
    SUBJECT,
    ['end', 'QUEUE_FULL'],
    ['done', 'QUEUE_FULL', true],
    ['reject', 'QUEUE_FULL', 2000],
  ])
})
