import { createPublicKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { SecureVersion } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import type { Conn } from './conn.ts'
import { identityCertificate } from './identity-certificate.ts'
import { Reader } from './reader.ts'
import type { SocketConn } from './socket-conn.ts'
import { connectTls, startTls, type TlsDialOptions } from './start-tls.ts'
import { createAuthority } from './testing/certificates.ts'
import { connPair, NEVER, wsPair } from './testing/loopback.ts'
import { createTlsContext, type TlsCredentials } from './tls-context.ts'
import { keyingMaterial, peerKey, rawKey } from './tls-peer.ts'

const newKey = (): KeyObject => generateKeyPairSync('ed25519').privateKey
const [relay, peer] = [newKey(), newKey()]
const publicOf = (key: KeyObject): Uint8Array => rawKey(createPublicKey(key))

const conns: Conn[] = []
afterEach(() => {
  for (const conn of conns.splice(0)) conn.destroy()
})

/** Two ends whose TLS handshake is over. */
const secured = async (
  server: Partial<TlsCredentials> = {},
  client: Partial<TlsDialOptions> = {},
): Promise<{ accepted: Conn; dialled: Conn }> => {
  const pair = await connPair()
  conns.push(pair.accepted, pair.dialled)
  startTls(
    pair.accepted,
    createTlsContext({ ...identityCertificate(relay), asksClientCert: true, ...server }),
  )
  const reader = new Reader(pair.accepted, 10)
  await connectTls(pair.dialled, { name: '127.0.0.1', takesAnyCert: true, ...client }, NEVER)
  pair.dialled.write(Buffer.from('x'))
  await reader.read((bytes) => (bytes.length === 0 ? undefined : { value: bytes[0]!, size: 1 }))
  reader.release()
  return pair
}

/** A certificate that was good once: the same octets but for the date, signed anew. */
const expired = (): { cert: string; key: string } => {
  const mine = identityCertificate(peer)
  const bytes = Buffer.from(new X509Certificate(mine.cert).raw)
  bytes.write('20210101000000Z', bytes.indexOf('99991231235959Z'))
  // Behind the head of the whole, three octets as its own.
  const body = bytes.subarray(3, 6 + bytes[5]!)
  sign(null, body, peer).copy(bytes, bytes.length - 64)
  return { ...mine, cert: pem(bytes) }
}

const pem = (bytes: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64')}\n-----END CERTIFICATE-----\n`

/** A certificate with another one's signature. */
const tampered = (): { cert: string; key: string } => {
  const mine = identityCertificate(peer)
  const bytes = Buffer.from(new X509Certificate(mine.cert).raw)
  bytes[bytes.length - 1]! ^= 1
  return { ...mine, cert: pem(bytes) }
}

describe('peerKey', () => {
  it('is the key that the peer has shown, at both ends', async () => {
    const { accepted, dialled } = await secured({}, { identity: identityCertificate(peer) })
    expect(peerKey(accepted)).toEqual(publicOf(peer))
    expect(peerKey(dialled)).toEqual(publicOf(relay))
  })

  it.each([
    ['nothing', undefined],
    ['a certificate over another kind of key', createAuthority().issue('ada')],
    ['one whose signature is wrong', tampered()],
    ['one whose time is over', expired()],
  ])('is nothing where the client shows %s', async (_, identity) => {
    const { accepted } = await secured({}, { identity })
    expect(peerKey(accepted)).toBe(undefined)
  })

  it('is nothing where nobody asked, before the handshake, and without TLS', async () => {
    const identity = identityCertificate(peer)
    const { accepted } = await secured({ asksClientCert: false }, { identity })
    expect(peerKey(accepted)).toBe(undefined)
    const pair = await connPair()
    conns.push(pair.accepted, pair.dialled)
    expect(peerKey(pair.accepted)).toBe(undefined)
    startTls(pair.accepted, createTlsContext({ ...identityCertificate(relay), asksClientCert: true }))
    expect(peerKey(pair.accepted)).toBe(undefined)
  })
})

describe('keyingMaterial', () => {
  it('is the same at both ends, and another for each conn', async () => {
    const first = await secured()
    const second = await securedBy('TLSv1.3')
    const of = (conn: Conn, label = 'EXPORTER-test'): string =>
      Buffer.from(keyingMaterial(conn, label, 32)!).toString('hex')
    expect(of(second.accepted)).toBe(of(second.dialled))
    expect(of(second.accepted)).toHaveLength(64)
    expect(of(first.accepted)).not.toBe(of(second.accepted))
    expect(of(first.accepted, 'EXPORTER-other')).not.toBe(of(first.accepted))
  })

  it('is nothing over TLS 1.2, which does not keep two conns apart', async () => {
    const { accepted, dialled } = await securedBy('TLSv1.2')
    for (const conn of [accepted, dialled]) expect(keyingMaterial(conn, 'EXPORTER-test', 32)).toBe(undefined)
  })

  it('is found below a WebSocket', async () => {
    const { accepted, dialled } = await wsPair(secured)
    expect(keyingMaterial(accepted, 'EXPORTER-test', 32)).toEqual(
      keyingMaterial(dialled, 'EXPORTER-test', 32),
    )
    expect(keyingMaterial(accepted, 'EXPORTER-test', 32)).toHaveLength(32)
  })

  it('is nothing before the handshake, once closed, and without TLS', async () => {
    const { accepted, dialled } = await connPair()
    conns.push(accepted, dialled)
    expect(keyingMaterial(accepted, 'EXPORTER-test', 32)).toBe(undefined)
    startTls(accepted, createTlsContext(identityCertificate(relay)))
    expect(keyingMaterial(accepted, 'EXPORTER-test', 32)).toBe(undefined)
    const pair = await secured()
    pair.accepted.destroy()
    expect(keyingMaterial(pair.accepted, 'EXPORTER-test', 32)).toBe(undefined)
  })
})

/** As `secured`, with a client that knows nothing newer. */
const securedBy = async (maxVersion: SecureVersion): Promise<{ accepted: Conn; dialled: Conn }> => {
  const context = createTlsContext(identityCertificate(relay))
  context.secureContext.context.setMaxProto(maxVersion === 'TLSv1.2' ? 0x0303 : 0x0304)
  const pair = await connPair()
  conns.push(pair.accepted, pair.dialled)
  startTls(pair.accepted, context)
  const done = once((pair.accepted as SocketConn).socket, 'secure')
  await connectTls(pair.dialled, { name: '127.0.0.1', takesAnyCert: true }, NEVER)
  await done
  return pair
}
