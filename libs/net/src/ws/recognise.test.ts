import { generateKeyPairSync } from 'node:crypto'
import type { Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { identityCertificate } from '../identity-certificate.ts'
import { Reader } from '../reader.ts'
import { acceptedPair, textOf, turns } from '../testing/loopback.ts'
import { SUBPROTOCOL } from '../testing/ws-peer.ts'
import { createTlsContext } from '../tls-context.ts'
import { keyingMaterial } from '../tls-peer.ts'
import { recognise, type Recognised, type Transport } from './recognise.ts'

const ALL: readonly Transport[] = ['tcp', 'tls', 'ws', 'wss']
const tls = createTlsContext(identityCertificate(generateKeyPairSync('ed25519').privateKey))
const ws = { subprotocol: SUBPROTOCOL, page: 'this is a relay' }

const open: { destroy(): unknown }[] = []
afterEach(() => {
  for (const each of open.splice(0)) each.destroy()
})

const text = (size: number) => (bytes: Uint8Array) =>
  bytes.length < size ? undefined : { value: Buffer.from(bytes.subarray(0, size)).toString(), size }

const came = async (
  transports: readonly Transport[] = ALL,
): Promise<{ peer: Socket; reader: Reader; found: Promise<Recognised> }> => {
  const { conn, peer } = await acceptedPair()
  open.push(conn, peer)
  const reader = new Reader(conn, 1000)
  const found = recognise(reader, { transports, tls, ws })
  found.catch(() => {})
  return { peer: peer.on('error', () => {}), reader, found }
}

const overTls = (peer: Socket): Socket =>
  connectSecurely({ socket: peer, rejectUnauthorized: false }).on('error', () => {})

/** How each transport says 'hello', given the socket that is at the other end. */
const hello: Record<Transport, (peer: Socket) => void> = {
  tcp: (peer) => void peer.write('\x40hello'),
  tls: (peer) => void overTls(peer).write('\x40hello'),
  ws: (peer) => greet(new WebSocket('ws://h/?token=abc', SUBPROTOCOL, { createConnection: () => peer })),
  wss: (peer) =>
    greet(new WebSocket('ws://h/?token=abc', SUBPROTOCOL, { createConnection: () => overTls(peer) })),
}
const greet = (socket: WebSocket): void => {
  open.push({ destroy: () => socket.terminate() })
  socket.on('open', () => socket.send(Buffer.from('\x40hello'))).on('error', () => {})
}

describe('recognise', () => {
  it.each(ALL.flatMap((transport) => [[transport, ALL] as const, [transport, [transport]] as const]))(
    'takes up %s where there is %s',
    async (transport, transports) => {
      const { peer, found } = await came(transports)
      hello[transport](peer)
      const { conn, reader, query, ...rest } = await found
      expect(rest.transport).toBe(transport)
      expect(await reader.read(text(6))).toBe('\x40hello')
      expect(reader.conn).toBe(conn)
      expect(query?.get('token')).toBe(transport.startsWith('ws') ? 'abc' : undefined)
      const isSecure = transport === 'tls' || transport === 'wss'
      expect(keyingMaterial(conn, 'EXPORTER-test', 32)?.length).toBe(isSecure ? 32 : undefined)
    },
  )

  const wrong = ALL.flatMap((there) =>
    ALL.filter((each) => each !== there).map((each) => [there, each] as const),
  )
  it.each(wrong)('where there is only %s, refuses %s', async (there, transport) => {
    const { peer, found } = await came([there])
    peer.resume()
    hello[transport](peer)
    await expect(found).rejects.toMatchObject({
      code: expect.stringMatching(/^(TRANSPORT_UNSUPPORTED|WEBSOCKET_INVALID|TLS_FAILED)$/),
    })
  })

  it.each(ALL)('where there is only %s, shows the page to a plain GET', async (transport) => {
    const { peer, found } = await came([transport])
    peer.end('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    expect(await textOf(peer)).toMatch(/200 OK[^]*this is a relay$/)
    await expect(found).rejects.toMatchObject({ code: 'WEBSOCKET_INVALID' })
  })

  it('knows who speaks, as the reader before was told', async () => {
    const { peer, reader, found } = await came()
    reader.client = { host: '192.0.2.7', port: 7 }
    hello.wss(peer)
    expect((await found).reader.client).toEqual({ host: '192.0.2.7', port: 7 })
  })

  it.each(ALL)('its reader ends with the first one: %s', async (transport) => {
    const { peer, reader, found } = await came()
    hello[transport](peer)
    const reading = (await found).reader.read(text(100))
    reader.fail(new Error('too late'))
    await expect(reading).rejects.toThrow('too late')
  })

  it.each([
    ['nothing', ''],
    ['half a TLS handshake', '\x16\x03\x01'],
    ['half a request', 'GET / HT'],
  ])('ends when the time is over: %s', async (_, words) => {
    const { peer, reader, found } = await came()
    peer.write(words)
    await turns()
    reader.fail(new Error('too late'))
    await expect(found).rejects.toThrow('too late')
  })
})
