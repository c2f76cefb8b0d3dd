import { once } from 'node:events'
import { type Socket } from 'node:net'
import { connect as connectSecurely, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import type { Conn } from './conn.ts'
import type { NetError } from './net-error.ts'
import { Reader } from './reader.ts'
import type { SocketConn } from './socket-conn.ts'
import { connectTls, startTls, whenSecure } from './start-tls.ts'
import { createTlsContext, type TlsCredentials } from './tls-context.ts'
import { createAuthority } from './testing/certificates.ts'
import { Collector } from './testing/collector.ts'
import { acceptedPair, connPair, Door, NEVER, turns } from './testing/loopback.ts'
import { memoryConns } from './testing/memory-conn.ts'

const authority = createAuthority()
const stranger = createAuthority('stranger')
const local = authority.issue('localhost', '127.0.0.1')
const byName = { ca: authority.cert, servername: 'localhost' }

const open: { destroy(): unknown }[] = []
afterEach(() => {
  for (const each of open.splice(0)) each.destroy()
})

/** A conn that has been told to go on over TLS, and the plain socket at its other end. */
const started = async (
  credentials: TlsCredentials = local,
  protocols?: readonly string[],
): Promise<{ conn: Conn; peer: Socket }> => {
  const { conn, peer } = await acceptedPair()
  open.push(conn, peer)
  startTls(conn, createTlsContext(credentials), protocols)
  return { conn, peer: peer.on('error', () => {}) }
}

const secured = (peer: Socket, options: ConnectionOptions = {}): TLSSocket =>
  connectSecurely({ socket: peer, ...byName, ...options }).on('error', () => {})

/** A client in another thread, which sends much as soon as it may, and resets. */
const HASTY = `
  const { port, done } = require('node:worker_threads').workerData
  const raw = require('node:net').connect(port, '127.0.0.1')
  const client = require('node:tls').connect({ socket: raw, rejectUnauthorized: false }, () => {
    client.write('x'.repeat(200_000), () => raw.resetAndDestroy())
  })
  client.on('error', () => {})
  raw.on('close', () => {
    Atomics.store(done, 0, 1)
    Atomics.notify(done, 0)
  })
`

/** How a conn ends whose client is not let in. */
const outcome = async (conn: Conn): Promise<NetError> => {
  const here = new Collector(conn)
  await here.until(() => here.has('break') || here.has('close'))
  return here.error as NetError
}

describe('startTls', () => {
  it('takes what was written before the handshake was over, and gives addresses as before', async () => {
    const { conn, peer } = await started()
    const { port } = peer.address() as { port: number }
    conn.write(Buffer.from('hello'))
    const [chunk] = (await once(secured(peer), 'data')) as [Buffer]
    expect(chunk.toString()).toBe('hello')
    expect(conn.remote).toEqual({ host: '127.0.0.1', port })
  })

  it('begins with the bytes that were put back', async () => {
    const { conn, peer } = await acceptedPair()
    open.push(conn, peer)
    const reader = new Reader(conn, 100)
    peer.write('head')
    const client = secured(peer)
    client.write('body')
    await reader.read((bytes) => (bytes.length < 5 ? undefined : { value: 0, size: 4 }))
    reader.release()
    startTls(conn, createTlsContext(local))
    const here = new Collector(conn)
    await here.until(() => here.size > 0)
    expect(here.text).toBe('body')
  })

  it('says its end in the words of TLS, also when the client has ended first', async () => {
    const { conn, peer } = await started()
    const here = new Collector(conn)
    const client = secured(peer).resume()
    client.end('x')
    await here.until(() => here.has('end'))
    const { bytesRead } = peer
    const ended = once(client, 'end')
    conn.end()
    await ended
    await here.until(() => here.has('close'))
    expect(peer.bytesRead).toBeGreaterThan(bytesRead)
    expect([here.events.at(-1), here.error]).toEqual(['close', undefined])
  })

  it('sees the reset of a client that was too quick for its session ticket, while nobody reads', async () => {
    const door = await Door.open()
    const done = new Int32Array(new SharedArrayBuffer(4))
    const worker = new Worker(HASTY, { eval: true, workerData: { port: door.port, done } })
    const conn = (await door.next()) as SocketConn
    open.push(conn)
    const raw = conn.socket
    startTls(conn, createTlsContext(local))
    const broken = new Promise((resolve) => {
      conn.attach({ onData: () => conn.pause(), onEnd: () => {}, onDrain: () => {}, onClose: resolve })
      conn.resume()
    })
    while (raw.bytesWritten === 0) await turns(1)
    Atomics.wait(done, 0, 0)
    expect(await broken).toMatchObject({ code: 'CLIENT_RESET' })
    door.close()
    await worker.terminate()
  })

  it.each([
    [
      'speaks something else',
      (peer: Socket) => void peer.write('GET / HTTP/1.1\r\n\r\n'),
      /http request|wrong version/,
    ],
    [
      'is too old',
      (peer: Socket) =>
        void secured(peer, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
      /unsupported protocol/,
    ],
    [
      'wants another protocol inside',
      (peer: Socket) => void secured(peer, { ALPNProtocols: ['h2'] }),
      /no application protocol/,
    ],
  ])('closes with TLS_FAILED for a client that %s', async (_, act, reason) => {
    const { conn, peer } = await started()
    act(peer)
    expect(await outcome(conn)).toMatchObject({ code: 'TLS_FAILED', message: expect.stringMatching(reason) })
  })

  it('agrees on http/1.1 with a client that asks, and on nothing with one that does not', async () => {
    for (const [ALPNProtocols, agreed] of [
      [['h2', 'http/1.1'], 'http/1.1'],
      [undefined, false],
    ] as const) {
      const { peer } = await started()
      const client = secured(peer, ALPNProtocols && { ALPNProtocols: [...ALPNProtocols] })
      await once(client, 'secureConnect')
      expect(client.alpnProtocol).toBe(agreed)
    }
  })

  it('agrees on the best of what it is to speak', async () => {
    const { conn, peer } = await started(undefined, ['h2', 'http/1.1'])
    const client = secured(peer, { ALPNProtocols: ['http/1.1', 'h2'] })
    await once(client, 'secureConnect')
    expect(client.alpnProtocol).toBe('h2')
    // HTTP/2 goes on only when it is not.
    await expect.poll(() => Reflect.get((conn as SocketConn).socket, 'secureConnecting')).toBe(false)
  })

  it('tells a client that breaks off from one that fails', async () => {
    const { conn, peer } = await started()
    peer.write(Buffer.of(0x16, 3, 1))
    await turns()
    peer.resetAndDestroy()
    expect((await outcome(conn)).code).toBe('ECONNRESET')
  })

  it('a reader learns that the handshake failed', async () => {
    const { conn, peer } = await started()
    const reader = new Reader(conn, 100)
    const peeked = reader.peek()
    peer.write('not TLS at all')
    await expect(peeked).rejects.toMatchObject({ code: 'TLS_FAILED' })
  })

  it('tells when its handshake is over, or that the client has ended it', async () => {
    const { conn, peer } = await started()
    const over = whenSecure(conn)
    await Promise.all([over, once(secured(peer), 'secureConnect')])
    const early = await started()
    const ended = whenSecure(early.conn)
    early.peer.end()
    await expect(ended).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
  })

  describe('with a client CA', () => {
    const strict = { ...local, clientCa: authority.cert }

    it('takes a certificate of it, also in a session that goes on', async () => {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        const context = createTlsContext(strict)
        const sessions: Buffer[] = []
        for (const isResumed of [false, true]) {
          const { conn, peer } = await acceptedPair()
          open.push(conn, peer)
          startTls(conn, context)
          const client = secured(peer, {
            ...authority.issue('ada'),
            maxVersion,
            ...(isResumed && { session: sessions.at(-1)! }),
          })
          client.on('session', (session: Buffer) => sessions.push(session))
          conn.write(Buffer.from('welcome'))
          await once(client, 'data')
          expect(client.isSessionReused()).toBe(isResumed)
        }
      }
    })

    it.each([
      ['shows none', undefined, /did not return a certificate/],
      ['shows one of somebody else', stranger.issue('eve'), /unable to|unknown|self/],
    ])('closes with TLS_FAILED for a client that %s, before it is heard', async (_, identity, reason) => {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        const { conn, peer } = await started(strict)
        secured(peer, { ...identity, maxVersion }).write('let me in')
        const here = new Collector(conn)
        await here.until(() => here.has('break'))
        expect(here.events).toEqual(['break'])
        expect(here.error).toMatchObject({ code: 'TLS_FAILED', message: expect.stringMatching(reason) })
      }
    })
  })

  it('is for sockets', () => {
    expect(() => startTls(memoryConns()[0], createTlsContext(local))).toThrow(TypeError)
  })
})

describe('connectTls', () => {
  it('asks for the protocols that it is told', async () => {
    for (const protocols of [['test/1'], ['other/1']]) {
      const { accepted, dialled } = await connPair()
      open.push(accepted, dialled)
      startTls(accepted, createTlsContext(local), ['test/1'])
      accepted.attach(undefined)
      const connecting = connectTls(dialled, { name: 'localhost', ca: authority.cert, protocols }, NEVER)
      if (protocols[0] === 'test/1') await connecting
      else await expect(connecting).rejects.toMatchObject({ code: 'TLS_FAILED' })
    }
  })

  const dial = async (name: string, ca: string, credentials = local): Promise<void> => {
    const { accepted, dialled } = await connPair()
    open.push(accepted, dialled)
    startTls(accepted, createTlsContext(credentials))
    await connectTls(dialled, { name, ca }, NEVER)
  }

  it('takes a certificate for the name or the address', async () => {
    await dial('localhost', authority.cert)
    await dial('127.0.0.1', authority.cert)
  })

  it.each([
    ['of somebody else', 'localhost', stranger.cert, /unable to|unknown|self/],
    ['for another name', 'example.com', authority.cert, /is not in the cert's altnames/],
    ['for another address', '127.0.0.2', authority.cert, /IP: 127\.0\.0\.2 is not in/],
  ])('refuses one %s', async (_, name, ca, message) => {
    await expect(dial(name, ca)).rejects.toMatchObject({
      code: 'TLS_FAILED',
      message: expect.stringMatching(message),
    })
  })

  it('ends with its signal, and with the peer', async () => {
    const { accepted, dialled } = await connPair()
    open.push(accepted, dialled)
    const abort = new AbortController()
    const aborted = connectTls(dialled, { name: 'localhost' }, abort.signal)
    abort.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    expect(dialled.closed || (await new Collector(dialled).until(() => dialled.closed), dialled.closed)).toBe(
      true,
    )
    const second = await connPair()
    open.push(second.accepted, second.dialled)
    const left = connectTls(second.dialled, { name: 'localhost' }, NEVER)
    second.accepted.destroy()
    await expect(left).rejects.toMatchObject({ code: 'TLS_FAILED' })
  })
})

describe('createTlsContext', () => {
  it.each([
    [
      'a key of another certificate',
      { ...local, key: stranger.key },
      'the key does not belong to the certificate',
    ],
    ['no certificate', { ...local, cert: 'x' }, 'the certificate is not a PEM certificate'],
    ['no key', { ...local, key: local.cert }, 'the key is not an unencrypted PEM private key'],
    ['no client CA', { ...local, clientCa: '' }, 'the certificate of the client CA is not'],
  ])('refuses %s', (_, credentials, message) => {
    expect(() => createTlsContext(credentials)).toThrow(message)
    expect(() => createTlsContext(credentials)).toThrow(RangeError)
  })
})
