import { describe, expect, it } from 'vitest'
import { readCompatRequest } from './compat-request.ts'

const read = (request: unknown) =>
  readCompatRequest(Buffer.from(typeof request === 'string' ? request : JSON.stringify(request)))
const codeOf = (request: unknown): unknown => {
  try {
    return read(request)
  } catch (error) {
    return Object(error).code
  }
}

it('leaves out what is for this connection alone', () => {
  const headers = {
    'X-A': ' 1 ',
    Host: 'other',
    'content-length': '7',
    Connection: 'close, X-Hop',
    'x-hop': 'gone',
    'Transfer-Encoding': 'chunked',
    TE: 'trailers',
    Expect: '100-continue',
    'Accept-Encoding': 'gzip',
  }
  const { fields } = read({ url: 'http://a/', headers })
  expect(fields).toEqual([
    ['X-A', '1'],
    ['Accept-Encoding', 'gzip'],
  ])
})

it('knows a trace', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  expect(read({ url: 'http://a/', headers: { Traceparent: traceparent } }).trace).toBe(traceparent)
  expect(read({ url: 'http://a/', headers: { traceparent: 'no' } }).trace).toBeUndefined()
})

describe('the method', () => {
  it.each([
    [{}, 'GET'],
    [{ post_data: '' }, 'GET'],
    [{ post_data: null }, 'GET'],
    [{ post_data: '0' }, 'POST'],
  ])('of %j is %s', (rest, method) => expect(read({ url: 'http://a/', ...rest }).method).toBe(method))
})

it.each([
  ['', 'REQUEST_INVALID'],
  ['null', 'REQUEST_INVALID'],
  ['{"url":"\u{d800}', 'REQUEST_INVALID'],
  [{ url: 7 }, 'REQUEST_INVALID'],
  [{ url: 'example.com' }, 'REQUEST_INVALID'],
  [{ url: `http://a/${'x'.repeat(70_000)}` }, 'REQUEST_INVALID'],
  [{ url: 'ftp://a/' }, 'SCHEME_UNSUPPORTED'],
  [{ url: 'http://a/', headers: [] }, 'REQUEST_INVALID'],
  [{ url: 'http://a/', headers: { a: 1 } }, 'REQUEST_INVALID'],
  [{ url: 'http://a/', headers: { 'a b': '' } }, 'REQUEST_INVALID'],
  [{ url: 'http://a/', headers: { a: '\u{20ac}' } }, 'REQUEST_INVALID'],
  [{ url: 'http://a/', headers: { Connection: 'Cookie' } }, 'REQUEST_INVALID'],
  [{ url: 'http://a/', post_data: {} }, 'REQUEST_INVALID'],
  [{ url: 'http://a/', headers: { 'a\u{0}': '' } }, 'REQUEST_INVALID'],
])('%j is no request', (request, code) => expect(codeOf(request)).toBe(code))
