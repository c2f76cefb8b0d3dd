import { expect, it } from 'vitest'
import { fieldOf, requestFields, responseFields } from './origin-fields.ts'

it('takes from a request what is for this conn, or ours to say', () => {
  const fields = [
    ['Host', 'a'],
    ['Accept', 'b'],
    ['Connection', 'close, X-Here'],
    ['x-here', 'c'],
    ['Proxy-Authorization', 'd'],
    ['TE', 'trailers'],
    ['accept', 'e'],
    ['Content-Length', '1'],
  ] as const
  expect(requestFields(fields)).toEqual([
    ['Accept', 'b'],
    ['accept', 'e'],
  ])
})

it('takes from a response what is for this conn alone', () => {
  const fields = [
    ['Set-Cookie', 'a'],
    ['Transfer-Encoding', 'chunked'],
    ['Set-Cookie', 'b'],
    ['Content-Length', '1'],
    ['Keep-Alive', 'timeout=5'],
  ] as const
  const kept = responseFields(fields)
  expect(kept.map(([name]) => name)).toEqual(['Set-Cookie', 'Set-Cookie', 'Content-Length'])
  expect([fieldOf(kept, 'set-cookie'), fieldOf(kept, 'keep-alive')]).toEqual(['a', undefined])
})
