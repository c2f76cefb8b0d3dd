import { isIP } from 'node:net'
import { connect, type ConnectionOptions, type SecureContext, type TLSSocket } from 'node:tls'
import type { Conn } from './conn.ts'
import { failure, socketConn } from './start-tls.ts'

export interface TlsSocketOptions {
  /** The name or address that the certificate has to be for; a name is sent as SNI. */
  readonly name: string
  /** Whom to trust, and what to show where it is asked for; one context serves any number of sockets. */
  readonly secureContext: SecureContext
  /** What to offer, best first (RFC 7301); what was taken is `alpnProtocol` of the socket. */
  readonly protocols: readonly string[]
  /** False takes whatever certificate there is: then nobody knows who is at the other end. */
  readonly isVerified: boolean
}

/**
 * As `connectTls`, for who has to have a socket of Node's own: the conn gives its socket away, and is of no more use
 * but for its addresses.
 * @param signal destroys the socket; the promise then rejects with the signal's reason
 * @throws NetError TLS_FAILED, whose cause is what Node says of the certificate
 */
export const tlsSocket = (conn: Conn, options: TlsSocketOptions, signal: AbortSignal): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const over = socketConn(conn)
    if (over.socket.destroyed) throw failure(new Error('the peer has closed'))
    const raw = over.release().on('error', () => {})
    const socket = connect({ ...connectionOptions(options), socket: raw })
    const settle = (error: unknown): void => {
      signal.removeEventListener('abort', onAbort)
      socket.off('secureConnect', onSecure).off('close', onClose)
      if (error === undefined) return resolve(socket)
      socket.destroy()
      raw.destroy()
      reject(error)
    }
    const onSecure = (): void => settle(undefined)
    const onError = (error: Error): void => settle(failure(error))
    const onClose = (): void => settle(failure(new Error('the peer closed during the handshake')))
    const onAbort = (): void => settle(signal.reason)
    signal.addEventListener('abort', onAbort)
    // Stays on: an error that comes while nobody else listens must not end the process.
    socket.on('error', onError).once('secureConnect', onSecure).once('close', onClose)
  })

const connectionOptions = (options: TlsSocketOptions): ConnectionOptions => {
  const { name, secureContext, protocols, isVerified } = options
  return {
    host: name,
    // A name's root dot is no part of it here (RFC 6066 §3).
    servername: isIP(name) === 0 ? name.replace(/\.$/, '') : '',
    secureContext,
    minVersion: 'TLSv1.2',
    ALPNProtocols: [...protocols],
    rejectUnauthorized: isVerified,
  }
}
