import { once } from 'node:events'
import { createSecureContext } from 'node:tls'
import { describe, expect, it } from 'vitest'
import type { NetError } from './net-error.ts'
import { startTls } from './start-tls.ts'
import { createAuthority } from './testing/certificates.ts'
import { Collector } from './testing/collector.ts'
import { connPair, NEVER } from './testing/loopback.ts'
import { createTlsContext } from './tls-context.ts'
import { tlsSocket, type TlsSocketOptions } from './tls-socket.ts'

const authority = createAuthority()
const local = createTlsContext(authority.issue('localhost'))
const secureContext = createSecureContext({ ca: authority.cert })

const optionsFor = (name: string, rest: Partial<TlsSocketOptions> = {}): TlsSocketOptions => ({
  name,
  secureContext,
  protocols: ['http/1.1'],
  isVerified: true,
  ...rest,
})

describe('tlsSocket', () => {
  it('is a socket of Node, and the conn still knows its addresses', async () => {
    const { accepted, dialled } = await connPair()
    const { port } = accepted.local
    startTls(accepted, local)
    const there = new Collector(accepted)
    const socket = await tlsSocket(dialled, optionsFor('localhost.'), NEVER)
    socket.write('hello')
    await there.until(() => there.size === 5)
    accepted.write(Buffer.from('yes'))
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    expect([there.text, chunk.toString(), socket.alpnProtocol]).toEqual(['hello', 'yes', 'http/1.1'])
    socket.destroy()
    expect(dialled.remote.port).toBe(port)
  })

  it.each([
    ['for another name', optionsFor('example.org'), 'ERR_TLS_CERT_ALTNAME_INVALID'],
    [
      'of another authority',
      optionsFor('localhost', { secureContext: createSecureContext() }),
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
  ])('refuses a certificate %s, unless any will do', async (_, options, code) => {
    const first = await connPair()
    startTls(first.accepted, local)
    const refusal = tlsSocket(first.dialled, options, NEVER)
    await expect(refusal).rejects.toMatchObject({
      code: 'TLS_FAILED',
      cause: { code },
    } satisfies Partial<NetError>)
    const second = await connPair()
    startTls(second.accepted, local)
    const socket = await tlsSocket(second.dialled, { ...options, isVerified: false }, NEVER)
    socket.destroy()
  })

  it('ends with its signal, and with a peer that closes', async () => {
    const leaving = new AbortController()
    const { accepted, dialled } = await connPair()
    const there = new Collector(accepted)
    const waiting = tlsSocket(dialled, optionsFor('localhost'), leaving.signal)
    await there.until(() => there.size > 0)
    leaving.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    const second = await connPair()
    const closing = tlsSocket(second.dialled, optionsFor('localhost'), NEVER)
    second.accepted.destroy()
    await expect(closing).rejects.toMatchObject({ code: 'TLS_FAILED' })
  })
})
