import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Conn } from '../conn.ts'
import { Reader } from '../reader.ts'
import { Collector } from '../testing/collector.ts'
import { acceptedPair, textOf, turns } from '../testing/loopback.ts'
import { acceptedWs, SUBPROTOCOL } from '../testing/ws-peer.ts'
import { acceptWebSocket, type AcceptOptions } from './accept.ts'
import { frame, OPCODE } from './frame.ts'

const open: { destroy(): unknown }[] = []
afterEach(() => {
  for (const each of open.splice(0)) each.destroy()
})

const FIELDS = {
  Host: 'relay.example',
  Upgrade: 'websocket',
  Connection: 'keep-alive, Upgrade',
  // RFC 6455 §1.3
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Protocol': `other, ${SUBPROTOCOL}`,
}
const request = (
  fields: Readonly<Record<string, string | undefined>> = {},
  line = 'GET /ws?token=abc HTTP/1.1',
): Buffer =>
  Buffer.from(
    `${line}\r\n${Object.entries({ ...FIELDS, ...fields })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')}\r\n`,
  )

const asked = async (
  options: Partial<AcceptOptions> = {},
): Promise<{ conn: Conn; peer: Socket; reader: Reader; accepting: ReturnType<typeof acceptWebSocket> }> => {
  const { conn, peer } = await acceptedPair()
  open.push(conn, peer)
  const reader = new Reader(conn, 512)
  const accepting = acceptWebSocket(reader, { subprotocol: SUBPROTOCOL, ...options })
  accepting.catch(() => {})
  return { conn, peer, reader, accepting }
}

const MESSAGE = frame(OPCODE.BINARY, Buffer.from('early'), 0x7f00ff01)

describe('acceptWebSocket', () => {
  it('answers as the RFC does, and gives the query and the origin', async () => {
    const { peer, accepting } = await asked({ path: '/ws' })
    peer.write(request({ Origin: 'https://page.example' }))
    const [answer] = (await once(peer, 'data')) as [Buffer]
    expect(answer.toString()).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`,
    )
    const { query, origin } = await accepting
    expect([query.get('token'), origin]).toEqual(['abc', 'https://page.example'])
  })

  it('loses nothing that stands behind the request, wherever it is split', async () => {
    const bytes = Buffer.concat([request(), MESSAGE, MESSAGE])
    const splits = Array.from({ length: bytes.length - 1 }, (_, i) => i + 1)
    await Promise.all(
      splits.map(async (at) => {
        const { peer, accepting } = await asked()
        peer.setNoDelay(true).write(bytes.subarray(0, at))
        await turns(3)
        peer.write(bytes.subarray(at))
        const here = new Collector((await accepting).conn)
        await here.until(() => here.size === 10)
        expect(here.text, `at ${at}`).toBe('earlyearly')
        peer.destroy()
      }),
    )
  })

  it('agrees on no compression with a client that offers it', async () => {
    const { client, conn } = await acceptedWs()
    open.push(conn)
    expect(client.extensions).toBe('')
    client.terminate()
  })

  it.each([
    ['another method', request({}, 'POST /ws HTTP/1.1'), 405, /^Allow: GET\r$/m],
    ['HEAD', request({}, 'HEAD /ws HTTP/1.1'), 405, /^Allow: GET\r$/m],
    ['another path', request({}, 'GET /wss HTTP/1.1'), 404, /only \/ws/],
    ['HTTP/1.0', request({}, 'GET /ws HTTP/1.0'), 400, /needs HTTP\/1.1/],
    ['no Upgrade', request({ Upgrade: undefined }), 426, /^Upgrade: websocket\r$/m],
    ['another Upgrade', request({ Upgrade: 'h2c' }), 426, /^Connection: Upgrade\r$/m],
    ['no Connection', request({ Connection: 'keep-alive' }), 400, /Connection/],
    ['no Host', request({ Host: undefined }), 400, /Host/],
    ['another version', request({ 'Sec-WebSocket-Version': '8' }), 426, /^Sec-WebSocket-Version: 13\r$/m],
    ['no key', request({ 'Sec-WebSocket-Key': undefined }), 400, /Sec-WebSocket-Key/],
    [
      'a key that is too short',
      request({ 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZQ==' }),
      400,
      /Sec-WebSocket-Key/,
    ],
    ['a body', request({ 'Content-Length': '5' }), 400, /body/],
    ['chunks', request({ 'Transfer-Encoding': 'chunked' }), 400, /body/],
    [
      'another subprotocol',
      request({ 'Sec-WebSocket-Protocol': 'test.v2' }),
      400,
      /only the subprotocol test.v1/,
    ],
    ['no subprotocol', request({ 'Sec-WebSocket-Protocol': undefined }), 400, /only the subprotocol test.v1/],
    ['a foreign page', request({ Origin: 'https://evil.example' }), 403, /origin/],
    ['two pages', request({ Origin: 'https://good.example', origin: 'https://evil.example' }), 400, /Origin/],
    ['what is not HTTP', Buffer.from('GET  / HTTP/1.1\r\n\r\n'), 400, /not HTTP/],
    ['too long a head', request({ Cookie: 'c'.repeat(17_000) }), 431, /too long/],
  ])('refuses %s with its status', async (_, bytes, status, words) => {
    const options = { path: '/ws', mayCome: (origin: string) => origin === 'https://good.example' }
    const { peer, accepting, conn } = await asked(options)
    peer.end(bytes)
    const text = await textOf(peer)
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(text).toMatch(words)
    await expect(accepting).rejects.toMatchObject({ code: 'WEBSOCKET_INVALID' })
    expect(conn.closed).toBe(true)
  })

  it.each([
    ['that may come', 'https://good.example'],
    ['that is none', undefined],
  ])('lets in a page %s', async (_, Origin) => {
    const { peer, accepting } = await asked({ mayCome: (origin) => origin === 'https://good.example' })
    peer.write(request({ Origin }))
    expect((await accepting).origin).toBe(Origin)
  })

  it.each([
    ['text/plain', 'this is a relay'],
    ['text/html', '<!doctype html><title>relay</title>'],
  ])('shows a plain GET the page: %s', async (type, page) => {
    const { peer, accepting } = await asked({ page })
    peer.end('GET / HTTP/1.1\r\nHost: relay.example\r\n\r\n')
    const text = await textOf(peer)
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\nConnection: close\r\n/)
    expect(text).toContain(`Content-Type: ${type}; charset=utf-8\r\nContent-Length: ${page.length}\r\n`)
    expect(text.endsWith(`\r\n\r\n${page}`)).toBe(true)
    await expect(accepting).rejects.toMatchObject({
      code: 'WEBSOCKET_INVALID',
      message: expect.stringContaining('page'),
    })
  })

  it('ends when its time is over, and when the client leaves', async () => {
    const first = await asked()
    first.peer.write('GET / HT')
    first.reader.fail(new Error('too late'))
    await expect(first.accepting).rejects.toThrow('too late')
    const second = await asked()
    second.peer.end('GET / HT')
    await expect(second.accepting).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
  })
})
