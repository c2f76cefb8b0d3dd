import type { KeyObject, X509Certificate } from 'node:crypto'
import { TLSSocket } from 'node:tls'
import type { Conn } from './conn.ts'
import { SocketConn } from './socket-conn.ts'

/** The 32 octets of a raw Ed25519 key stand last in its SPKI (RFC 8410 §4). */
const RAW_KEY = 32

/**
 * The Ed25519 key of the certificate that the peer has shown over TLS and proven to hold, 32 octets. The certificate has
 * to be signed by that key itself and be valid now; nobody vouches for it.
 * @param conn over TLS, directly or with a WebSocket in between
 * @returns undefined where there is no such certificate, no TLS, or its handshake is not over
 */
export const peerKey = (conn: Conn): Uint8Array | undefined => {
  const certificate = tlsOf(conn)?.getPeerX509Certificate()
  const key = certificate?.publicKey
  if (certificate === undefined || key?.asymmetricKeyType !== 'ed25519') return undefined
  return isValidNow(certificate) && isSignedBy(certificate, key) ? rawKey(key) : undefined
}

/**
 * Octets that only the two ends of this very TLS conn can know (RFC 5705, RFC 8446 §7.5), the same at both: what is said
 * with them cannot be carried over to another conn. Without a context. Of TLS 1.3 alone: with 1.2, who stands in between
 * can bring two conns to the same secrets (RFC 7627 §1).
 * @param conn as for {@link peerKey}
 * @returns undefined where there is no TLS 1.3, or its handshake is not over
 */
export const keyingMaterial = (conn: Conn, label: string, bytes: number): Uint8Array | undefined => {
  const socket = tlsOf(conn)
  // Node throws where the handshake is not over, or the conn is closed.
  if (socket === undefined || socket.destroyed || socket.getPeerFinished() === undefined) return undefined
  if (socket.getProtocol() !== 'TLSv1.3') return undefined
  return socket.exportKeyingMaterial(bytes, label, undefined as unknown as Buffer)
}

/** Of an Ed25519 public key, the 32 octets. */
export const rawKey = (key: KeyObject): Uint8Array =>
  new Uint8Array(key.export({ type: 'spki', format: 'der' }).subarray(-RAW_KEY))

const tlsOf = (conn: Conn): TLSSocket | undefined => {
  if (conn instanceof SocketConn) return conn.socket instanceof TLSSocket ? conn.socket : undefined
  return 'base' in conn ? tlsOf(conn.base as Conn) : undefined
}

const isValidNow = ({ validFrom, validTo }: X509Certificate): boolean => {
  const now = Date.now()
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo)
}

const isSignedBy = (certificate: X509Certificate, key: KeyObject): boolean => {
  try {
    return certificate.verify(key)
  } catch {
    return false
  }
}
