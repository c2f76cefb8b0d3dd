import { describe, expect, test } from 'vitest'
import { BodyScan, CHUNKED, UNTIL_CLOSE } from './http-body.ts'
import { type ForwardedRequest, forwardRequest, forwardResponse, proxiedHead } from './http-forward.ts'
import { decodeRequestHead, decodeResponseHead } from './http-head.ts'
import { parseHttpUri } from './http-uri.ts'
import { codeOf } from './testing/code-of.ts'
import { utf8 } from './testing/hex.ts'

const request = (fields: string, start = 'GET http://a/ HTTP/1.1'): ForwardedRequest =>
  forwardRequest(decodeRequestHead(utf8(`${start}\r\n${fields}\r\n`))!.value, 'us')
const of11 = (fields: string, start?: string): ForwardedRequest => request(`Host: a\r\n${fields}`, start)
const response = (fields: string, status = '200 OK', method = 'GET'): ReturnType<typeof forwardResponse> =>
  forwardResponse(decodeResponseHead(utf8(`HTTP/1.1 ${status}\r\n${fields}\r\n`))!.value, method, 'us')

test.each([
  ['GET', 'http://a', 'http://a/'],
  ['GET', 'http://[::1]:81?b', 'http://[::1]:81/?b'],
  ['GET', 'http://a//b', 'http://a//b'],
  ['OPTIONS', 'http://a:80', 'http://a:80'],
  ['OPTIONS', 'http://a/', 'http://a/'],
])('another proxy is asked with the whole target: %s %s', (method, target, asked) => {
  const given = of11('X: 1\r\nProxy-Authorization: Basic YTpi\r\n', `${method} ${target} HTTP/1.1`)
  const { authority, head } = given
  const fields = head.slice(head.indexOf('\n') + 1)
  expect(proxiedHead(given, undefined)).toBe(`${method} ${asked} HTTP/1.1\r\n${fields}`)
  expect(proxiedHead(given, 'Basic b3Vycw==')).toBe(
    `${method} ${asked} HTTP/1.1\r\nProxy-Authorization: Basic b3Vycw==\r\nHost: ${authority}\r\nX: 1\r\nVia: 1.1 us\r\n\r\n`,
  )
})

describe('where a request goes', () => {
  test.each([
    ['http://example.com', 'example.com', 80, 'example.com', '/'],
    ['HTTP://example.com:8080/a?b', 'example.com', 8080, 'example.com:8080', '/a?b'],
    ['http://example.com:80/', 'example.com', 80, 'example.com:80', '/'],
    ['http://example.com:?a/b', 'example.com', 80, 'example.com', '/?a/b'],
    ['http://[2001:DB8::1]/', '2001:db8::1', 80, '[2001:db8::1]', '/'],
    ['http://[::1]:81', '::1', 81, '[::1]:81', '/'],
    ['http://2130706433//a//', '2130706433', 80, '2130706433', '//a//'],
    ['http://a/http://u:p@b/', 'a', 80, 'a', '/http://u:p@b/'],
  ])('%s', (target, host, port, authority, path) => {
    expect(parseHttpUri(target, 'GET')).toEqual({ address: { host, port }, authority, path })
  })

  test('OPTIONS of a whole host is *', () => {
    expect(parseHttpUri('http://a', 'OPTIONS').path).toBe('*')
    expect(parseHttpUri('http://a/', 'OPTIONS').path).toBe('/')
  })

  test.each([
    ['/', 'WIRE_FORM'],
    ['*', 'WIRE_FORM'],
    ['a:80', 'WIRE_FORM'],
    ['http:/a/', 'WIRE_FORM'],
    ['https://a/', 'WIRE_SCHEME'],
    ['ftp://a/', 'WIRE_SCHEME'],
    ['http://', 'WIRE_ADDRESS'],
    ['http:///a', 'WIRE_ADDRESS'],
    ['http://u@a/', 'WIRE_ADDRESS'],
    ['http://u:p@a/', 'WIRE_ADDRESS'],
    ['http://a/#b', 'WIRE_ADDRESS'],
    ['http://a#b', 'WIRE_ADDRESS'],
    ['http://a:0/', 'WIRE_ADDRESS'],
    ['http://a:65536/', 'WIRE_ADDRESS'],
    ['http://a:080/', 'WIRE_ADDRESS'],
    ['http://a:b/', 'WIRE_ADDRESS'],
    ['http://::1/', 'WIRE_ADDRESS'],
    ['http://[::1/', 'WIRE_ADDRESS'],
    ['http://[::1]a/', 'WIRE_ADDRESS'],
    ['http://[a]/', 'WIRE_ADDRESS'],
    ['http://a%2eb/', 'WIRE_ADDRESS'],
    ['http://a\\b/', 'WIRE_ADDRESS'],
  ])('%s is refused', (target, code) => {
    expect(codeOf(() => parseHttpUri(target, 'GET'))).toBe(code)
  })
})

describe('the framing of a request', () => {
  test.each([
    ['', 0],
    ['Content-Length: 0\r\n', 0],
    ['Content-Length: 00042\r\n', 42],
    ['Content-Length: 9007199254740991\r\n', 2 ** 53 - 1],
    ['Transfer-Encoding: Chunked\r\n', CHUNKED],
  ])('%j', (fields, body) => {
    expect(of11(fields, 'DELETE http://a/ HTTP/1.1').body).toBe(body)
  })

  test.each([
    ['Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', 'WIRE_LENGTH'],
    ['Content-Length: 5\r\nContent-Length: 5\r\n', 'WIRE_LENGTH'],
    ['Content-Length: 5\r\nContent-Length: 6\r\n', 'WIRE_LENGTH'],
    ['Content-Length: 5, 5\r\n', 'WIRE_LENGTH'],
    ['Content-Length: +5\r\n', 'WIRE_LENGTH'],
    ['Content-Length: 0x5\r\n', 'WIRE_LENGTH'],
    ['Content-Length: \r\n', 'WIRE_LENGTH'],
    ['Content-Length: 9007199254740992\r\n', 'WIRE_LENGTH'],
    ['Content-Length: 5\t\r\n', 'WIRE_SYNTAX'],
    ['Transfer-Encoding: chunked\t\r\n', 'WIRE_SYNTAX'],
    ['Transfer-Encoding: chunked\t \r\n', 'WIRE_SYNTAX'],
    ['Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', 'WIRE_LENGTH'],
    ['Transfer-Encoding: identity\r\n', 'WIRE_LENGTH'],
    ['Transfer-Encoding: xchunked\r\n', 'WIRE_LENGTH'],
    ['Transfer-Encoding: chunked, identity\r\n', 'WIRE_LENGTH'],
    ['Transfer-Encoding: gzip\r\n', 'WIRE_LENGTH'],
    ['Transfer-Encoding: gzip, chunked\r\n', 'WIRE_ENCODING'],
    ['Transfer-Encoding: gzip,\tchunked\r\n', 'WIRE_ENCODING'],
    ['Connection: Content-Length\r\nContent-Length: 5\r\n', 'WIRE_VALUE'],
    ['Connection: a, TRANSFER-ENCODING\r\n', 'WIRE_VALUE'],
    ['Connection: a b\r\n', 'WIRE_VALUE'],
    ['Host: a\r\n', 'WIRE_VALUE'],
    ['Max-Forwards: 1\r\nMax-Forwards: 1\r\n', 'WIRE_VALUE'],
    ['Max-Forwards: -1\r\n', 'WIRE_VALUE'],
    ['Proxy-Authorization: a\r\nProxy-Authorization: a\r\n', 'WIRE_VALUE'],
  ])('%j is refused', (fields, code) => {
    expect(codeOf(() => of11(fields, 'OPTIONS http://a/ HTTP/1.1'))).toBe(code)
  })

  test('HTTP/1.0 has no chunks, and need not have Host', () => {
    const start = 'GET http://a/ HTTP/1.0'
    expect(request('', start).body).toBe(0)
    expect(codeOf(() => request('Transfer-Encoding: chunked\r\n', start))).toBe('WIRE_LENGTH')
    expect(codeOf(() => request(''))).toBe('WIRE_VALUE')
  })
})

describe('what goes on of a request', () => {
  test('neither hop-by-hop fields nor those that Connection names, in whatever order they come', () => {
    const kept = 'Accept: */*\r\nX-2: 2\r\nTrailer: X\r\nVia: 1.0 fred\r\n'
    const hop =
      'X-1: 1\r\nKeep-Alive: 1\r\nProxy-Connection: 1\r\nTE: trailers\r\nProxy-Authorization: Basic x\r\nConnection: x-1, , Close,TE\r\n'
    const { head, close, credentials } = of11(hop + kept)
    expect(head).toBe(`GET / HTTP/1.1\r\nHost: a\r\n${kept}Via: 1.1 us\r\n\r\n`)
    expect([close, credentials]).toEqual([true, 'Basic x'])
  })

  test('Host is that of the URI, lengths are written plainly', () => {
    expect(request('Host: evil\r\nContent-Length: 007\r\n', 'POST http://A:81/ HTTP/1.1').head).toBe(
      'POST / HTTP/1.1\r\nHost: A:81\r\nContent-Length: 7\r\nVia: 1.1 us\r\n\r\n',
    )
  })

  test('Upgrade, where Connection names it and nothing else is in the way', () => {
    const upgrade = 'Upgrade: websocket\r\n'
    expect(of11(`Connection: upgrade\r\n${upgrade}`).head).toContain(
      '\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n',
    )
    expect(of11(upgrade).upgrade).toBeUndefined()
    expect(of11(`Connection: upgrade\r\n${upgrade}Content-Length: 1\r\n`).upgrade).toBeUndefined()
    expect(of11('Connection: upgrade\r\nUpgrade: a, H2C\r\n').head).not.toContain('Upgrade')
    expect(request(`Connection: upgrade\r\n${upgrade}`, 'GET http://a/ HTTP/1.0').upgrade).toBeUndefined()
  })

  test('Max-Forwards counts down, for two methods', () => {
    expect(of11('Max-Forwards: 2\r\n', 'TRACE http://a/ HTTP/1.1').head).toContain('\r\nMax-Forwards: 1\r\n')
    expect(of11('Max-Forwards: 2\r\n').head).toContain('\r\nMax-Forwards: 2\r\n')
    expect(of11('Max-Forwards: 0\r\n', 'OPTIONS http://a/ HTTP/1.1').maxForwards).toBe(0)
  })

  test.each([
    ['1.1 us', true],
    ['1.0 fred, HTTP/1.1 US (comment)', true],
    ['1.1 us2', false],
    ['1.1 fred (us)', false],
  ])('a circle is seen: Via: %s', (via, looped) => {
    expect(of11(`Via: ${via}\r\n`).looped).toBe(looped)
  })
})

describe('a response', () => {
  test.each([
    ['Content-Length: 5\r\n', '200 OK', 'GET', 5],
    ['Content-Length: 5\r\n', '200 OK', 'HEAD', 0],
    ['Content-Length: 5\r\n', '304 Not Modified', 'GET', 0],
    ['Content-Length: 5\r\n', '204 No Content', 'GET', 0],
    ['Transfer-Encoding: chunked\r\n', '103 Early Hints', 'GET', 0],
    ['Transfer-Encoding: chunked\r\n', '200 OK', 'CONNECT', 0],
    ['Transfer-Encoding: chunked\r\n', '200 OK', 'POST', CHUNKED],
    ['', '200 OK', 'GET', UNTIL_CLOSE],
    ['', '404 Not Found', 'CONNECT', UNTIL_CLOSE],
  ])('%j %s to %s', (fields, status, method, body) => {
    expect(response(fields, status, method).body).toBe(body)
  })

  test('says its length where it may, and only there', () => {
    expect(response('Content-Length: 5\r\n', '200 OK', 'HEAD').head).toContain('\r\nContent-Length: 5\r\n')
    expect(response('Content-Length: 5\r\n', '304 Not Modified').head).toContain('\r\nContent-Length: 5\r\n')
    expect(response('Content-Length: 5\r\n', '204 No Content').head).not.toContain('Length')
  })

  test('goes on without what is for us', () => {
    const fields =
      'Connection: close, X\r\nX: 1\r\nProxy-Authenticate: Basic\r\nKeep-Alive: 5\r\nDate: now\r\nContent-Length: 0\r\n'
    expect(response(fields)).toEqual({
      body: 0,
      close: true,
      head: 'HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 0\r\nVia: 1.1 us\r\n',
    })
  })

  test.each([
    ['Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '200 OK', 'WIRE_LENGTH'],
    ['Content-Length: 5\r\nContent-Length: 5\r\n', '304 Not Modified', 'WIRE_LENGTH'],
    ['Transfer-Encoding: gzip\r\n', '200 OK', 'WIRE_LENGTH'],
    ['Connection: Set-Cookie\r\nSet-Cookie: a\r\nContent-Length: 0\r\n', '200 OK', 'WIRE_VALUE'],
    ['', '101 Switching Protocols', 'WIRE_VALUE'],
  ])('%j %s is refused', (fields, status, code) => {
    expect(codeOf(() => response(fields, status))).toBe(code)
  })

  test('of HTTP/1.0 is never an interim one', () => {
    const head = decodeResponseHead(utf8('HTTP/1.0 100 Continue\r\n\r\n'))!.value
    expect(codeOf(() => forwardResponse(head, 'GET', 'us'))).toBe('WIRE_VALUE')
  })
})

test('bodies follow one another in one scan', () => {
  const scan = new BodyScan()
  const bytes = utf8('hello5\r\nhello\r\n0\r\n\r\nrest')
  scan.begin(5)
  expect([scan.scan(bytes, 0), scan.ended]).toEqual([5, true])
  scan.begin(CHUNKED)
  expect([scan.scan(bytes, 5), scan.ended]).toEqual([20, true])
  scan.begin(0)
  expect(scan.ended).toBe(true)
  scan.begin(7)
  expect([scan.scan(bytes, 20), scan.ended, scan.close()]).toEqual([24, false, false])
  scan.begin(UNTIL_CLOSE)
  expect([scan.scan(bytes, 20), scan.ended, scan.close()]).toEqual([24, false, true])
})
