import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type HostRequest, isSettableField, readHostRequest } from './http-host.ts'
import { decodeRequestHead } from './http-head.ts'
import { codeOf } from './testing/code-of.ts'
import { utf8 } from './testing/hex.ts'

const read = (text: string): HostRequest => readHostRequest(decodeRequestHead(utf8(text))!.value, 'us')
const request = (fields: string, start = 'GET / HTTP/1.1'): HostRequest =>
  read(`${start}\r\nHost: a\r\n${fields}\r\n`)
const NO_EDITS = { host: 'b', set: [], origin: [] }

describe('the host that is asked for', () => {
  test.each([
    ['a.example', 'a.example'],
    ['A.Example:8080', 'a.example'],
    ['a.example.', 'a.example'],
    ['a.example.:80', 'a.example'],
    ['a.example:', 'a.example'],
    ['192.0.2.1:81', '192.0.2.1'],
    ['[2001:DB8::1]', '2001:db8::1'],
    ['[::1]:8443', '::1'],
    ['', ''],
  ])('Host: %s', (field, host) => {
    const asked = read(`GET /x HTTP/1.1\r\nHost: ${field}\r\n\r\n`)
    expect(asked).toMatchObject({ host, authority: field, path: '/x' })
  })

  test.each([
    ['a b', 'WIRE_ADDRESS'],
    ['a,b', undefined],
    ['a/b', 'WIRE_ADDRESS'],
    ['u@a', 'WIRE_ADDRESS'],
    ['::1', 'WIRE_ADDRESS'],
    ['[a]', 'WIRE_ADDRESS'],
    ['[::1]x', 'WIRE_ADDRESS'],
    ['[::1', 'WIRE_ADDRESS'],
    ['a:0', 'WIRE_ADDRESS'],
    ['a:65536', 'WIRE_ADDRESS'],
    ['a:1:2', 'WIRE_ADDRESS'],
    ['a:x', 'WIRE_ADDRESS'],
    ['.', 'WIRE_ADDRESS'],
  ])('Host: %s is %s', (field, code) => {
    expect(codeOf(() => read(`GET / HTTP/1.1\r\nHost: ${field}\r\n\r\n`))).toBe(code)
  })

  test('is that of absolute-form, whatever Host says', () => {
    expect(read('GET http://B:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n')).toMatchObject({ host: 'b', path: '/x?y' })
    expect(read('GET https://B HTTP/1.1\r\nHost: a\r\n\r\n')).toMatchObject({ host: 'b', path: '/' })
  })

  test('may be unnamed in HTTP/1.0 alone, and is named once', () => {
    expect(read('GET / HTTP/1.0\r\n\r\n')).toMatchObject({ host: '', close: true })
    expect(codeOf(() => read('GET / HTTP/1.1\r\n\r\n'))).toBe('WIRE_VALUE')
    expect(codeOf(() => read('GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n'))).toBe('WIRE_VALUE')
  })

  test.each([
    ['OPTIONS * HTTP/1.1', undefined],
    ['GET * HTTP/1.1', 'WIRE_FORM'],
    ['CONNECT a:80 HTTP/1.1', 'WIRE_FORM'],
    ['GET ftp://a/ HTTP/1.1', 'WIRE_SCHEME'],
    ['GET a HTTP/1.1', 'WIRE_FORM'],
    ['GET /#x HTTP/1.1', 'WIRE_ADDRESS'],
  ])('%s: %s', (start, code) => {
    expect(codeOf(() => request('', start))).toBe(code)
  })

  test('is a host or an error, whatever is sent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 40 }), (text) => {
        try {
          const head = { method: 'GET', target: '/', version: '1.1', fields: [['Host', text]] } as const
          const { host } = readHostRequest(head, 'us')
          expect(host).toBe(host.toLowerCase())
          expect(host).not.toMatch(/[[\]/@ ]/)
        } catch (error) {
          expect((error as Error).name).toBe('WireError')
        }
      }),
    )
  })
})

describe('what the target gets', () => {
  test('the host that it shall see, the other fields as they came, and Via', () => {
    expect(request('X: 1\r\nx: 2\r\nCookie: c\r\n', 'GET /p?q HTTP/1.1').headWith(NO_EDITS)).toBe(
      'GET /p?q HTTP/1.1\r\nHost: b\r\nX: 1\r\nx: 2\r\nCookie: c\r\nVia: 1.1 us\r\n\r\n',
    )
  })

  test('none of what is for this hop alone', () => {
    const fields =
      'Connection: x-a, close\r\nX-A: 1\r\nTE: gzip\r\nKeep-Alive: 5\r\nProxy-Authorization: Basic YTpi\r\n'
    const asked = request(fields)
    expect(asked.close).toBe(true)
    expect(asked.headWith(NO_EDITS)).toBe('GET / HTTP/1.1\r\nHost: b\r\nVia: 1.1 us\r\n\r\n')
  })

  test('who the visitor is as we say, and as nobody else does', () => {
    const spoofed =
      'X-Forwarded-For: 1.2.3.4\r\nx-real-ip: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\nX-Forwarded-Port: 1\r\n'
    const head = request(`${spoofed}Connection: X-Forwarded-For, x-b\r\nX-B: 1\r\n`).headWith({
      ...NO_EDITS,
      origin: [['X-Forwarded-For', '5.6.7.8']],
    })
    expect(head).toBe('GET / HTTP/1.1\r\nHost: b\r\nX-Forwarded-For: 5.6.7.8\r\nVia: 1.1 us\r\n\r\n')
  })

  test('fields that are set, in place of those of that name', () => {
    const head = request('A: 1\r\na: 2\r\nB: 3\r\nAuthorization: Basic YTpi\r\n').headWith({
      ...NO_EDITS,
      set: [['A', 'http://x:1']],
      without: ['authorization'],
    })
    expect(head).toBe('GET / HTTP/1.1\r\nHost: b\r\nB: 3\r\nA: http://x:1\r\nVia: 1.1 us\r\n\r\n')
  })

  test('its body framed anew, and the other protocol that is asked for', () => {
    expect(request('Content-Length: 007\r\n', 'POST / HTTP/1.1').headWith(NO_EDITS)).toContain(
      '\r\nContent-Length: 7\r\n',
    )
    expect(request('Transfer-Encoding: Chunked\r\n', 'POST / HTTP/1.1').headWith(NO_EDITS)).toContain(
      '\r\nTransfer-Encoding: chunked\r\n',
    )
    expect(request('Connection: Upgrade\r\nUpgrade: websocket\r\n').headWith(NO_EDITS)).toContain(
      '\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n',
    )
    expect(request('Connection: Upgrade\r\nUpgrade: h2c\r\n').upgrade).toBeUndefined()
  })

  test.each([
    ['Content-Length: 1\r\nTransfer-Encoding: chunked\r\n', 'WIRE_LENGTH'],
    ['Content-Length: 1\r\nContent-Length: 1\r\n', 'WIRE_LENGTH'],
    ['Transfer-Encoding: gzip, chunked\r\n', 'WIRE_ENCODING'],
    ['Transfer-Encoding: xchunked\r\n', 'WIRE_LENGTH'],
    ['Connection: content-length\r\nContent-Length: 1\r\n', 'WIRE_VALUE'],
  ])('nothing where two parsers could read it in two ways: %j', (fields, code) => {
    expect(codeOf(() => request(fields, 'POST / HTTP/1.1'))).toBe(code)
  })

  test('a request that came from here is known again', () => {
    expect(request('Via: 1.1 other, 1.1 us\r\n').looped).toBe(true)
  })
})

test.each([
  ['X-A', 'a: b', true],
  ['X-A', '', true],
  ['X A', 'b', false],
  ['', 'b', false],
  ['X-A', 'b\r\nX: c', false],
  ['X-A', ' b', false],
  ['content-length', '1', false],
  ['Transfer-Encoding', 'chunked', false],
  ['Host', 'a', false],
])('a field %j of %j may be set: %s', (name, value, may) => {
  expect(isSettableField(name, value)).toBe(may)
})
