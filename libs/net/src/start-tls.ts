import { isIP, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { connect, type ConnectionOptions, createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import type { Conn } from './conn.ts'
import { NetError } from './net-error.ts'
import { SocketConn } from './socket-conn.ts'
import { reasonOf, type TlsContext } from './tls-context.ts'

const ALPN = ['http/1.1']

/**
 * Makes the rest of an accepted conn TLS, bytes that were put back included. It may be read and written at once; a
 * handshake that fails closes it with NetError TLS_FAILED. How long all that may take is for the caller to bound.
 *
 * Node's TLS listener hands out a socket only when its handshake is over, and with buffers in which 80 KiB pile up. So
 * the socket is made here, and what Node leaves undocumented of that are two events, a method and a flag:
 * 'secure', '_tlsError', `verifyError` and `secureConnecting`.
 * @param protocols that may be spoken, best first (RFC 7301); a client that asks for none of them is refused
 */
export const startTls = (
  conn: Conn,
  { secureContext, wantsClientCert, asksClientCert = false }: TlsContext,
  protocols: readonly string[] = ALPN,
): void => {
  const over = socketConn(conn)
  let isSecure = false
  const fail = (error: Error): void => {
    over.broke(isSecure || isSystemError(error) ? error : failure(error))
    over.destroy()
  }
  over.wrap((raw) => {
    const options = {
      isServer: true,
      secureContext,
      requestCert: wantsClientCert || asksClientCert,
      rejectUnauthorized: wantsClientCert,
      ALPNProtocols: [...protocols],
      highWaterMark: 1,
    }
    const socket = new TLSSocket(raw, options)
    socket.on('_tlsError', fail).once('secure', () => {
      const refusal = wantsClientCert ? verifyError(socket) : undefined
      if (refusal !== undefined) fail(refusal)
      isSecure = true
      // HTTP/2 waits for as long as this is true, and throws where something has come meanwhile.
      Reflect.set(socket, 'secureConnecting', false)
    })
    const look = (): void => void whenStuck(socket, raw, () => fail(reset()))
    socket.once('secure', look).once('end', look)
    return socket
  })
}

/**
 * Resolves when the TLS handshake that `startTls` has begun, in this turn of the event loop, is over: what is written before would
 * hide why a handshake fails. Does not settle where it does fail; the conn closes then.
 * @throws NetError CLIENT_CLOSED where the client ends in the middle of it
 */
export const whenSecure = (conn: Conn): Promise<void> =>
  new Promise((resolve, reject) => {
    const { socket } = socketConn(conn)
    socket.once('secure', resolve)
    socket.once('end', () => reject(new NetError('CLIENT_CLOSED', 'the client ended its TLS handshake')))
  })

/**
 * Calls `stuck` where nothing can be written any more. A write of TLS's own, such as that of the session tickets right
 * behind the handshake, that meets a reset takes the one error there is, and Node forgets it: what is read then is an end
 * like any other, and every write after it waits for ever.
 */
const whenStuck = async (socket: Socket, raw: Socket, stuck: () => void): Promise<void> => {
  let sent = -1
  // A write that could be done at once is told to TLS one turn later, so one look is not enough.
  for (let look = 0; look < 3; look += 1) {
    await turn()
    const isIdle = queued(socket) > 0 && queued(raw) === 0
    if (!isIdle || (look > 0 && raw.bytesWritten !== sent)) return
    sent = raw.bytesWritten
  }
  stuck()
}

/** Bytes that a socket has not passed on to whatever is below it; 0 where it is closed. */
const queued = (socket: Socket): number =>
  (Reflect.get(socket, '_handle') as { writeQueueSize: number } | null)?.writeQueueSize ?? 0

export interface TlsDialOptions {
  /** The name or address that the certificate has to be for; a name is sent as SNI. */
  readonly name: string
  /** PEM of the authorities to trust instead of the system's. */
  readonly ca?: string | undefined
  /** What this side shows where it is asked. */
  readonly identity?: { readonly cert: string; readonly key: string } | undefined
  /**
   * Takes whatever certificate there is. Only for who has the peer prove itself within, by words that `keyingMaterial`
   * binds to this very conn.
   */
  readonly takesAnyCert?: boolean | undefined
  /** What to ask for, best first (RFC 7301). @default nothing, and whatever the server speaks will do */
  readonly protocols?: readonly string[] | undefined
}

/**
 * Makes a dialled conn TLS, and waits until its peer has shown a certificate for `name`, or any where that will do.
 * @param signal destroys the conn; the promise then rejects with the signal's reason
 * @throws NetError TLS_FAILED, with the reason in its message
 */
export const connectTls = (conn: Conn, dial: TlsDialOptions, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const over = socketConn(conn)
    if (over.socket.destroyed) throw failure(new Error('the peer has closed'))
    const settle = (error: unknown): void => {
      signal.removeEventListener('abort', onAbort)
      over.socket.off('secureConnect', onSecure).off('error', onError).off('close', onClose)
      if (error === undefined) return resolve()
      over.destroy()
      reject(error)
    }
    const onSecure = (): void => settle(undefined)
    const onError = (error: Error): void => settle(failure(error))
    const onClose = (): void => settle(failure(new Error('the peer closed during the handshake')))
    const onAbort = (): void => settle(signal.reason)
    over.wrap((socket) => connect(Object.assign(optionsOf(dial), { socket, highWaterMark: 1 })))
    signal.addEventListener('abort', onAbort)
    over.socket.once('secureConnect', onSecure).on('error', onError).on('close', onClose)
  })

const optionsOf = ({
  name,
  ca,
  identity,
  takesAnyCert = false,
  protocols,
}: TlsDialOptions): ConnectionOptions => {
  const options: ConnectionOptions = { host: name, minVersion: 'TLSv1.2', rejectUnauthorized: !takesAnyCert }
  if (protocols !== undefined) options.ALPNProtocols = [...protocols]
  if (isIP(name) === 0) options.servername = name
  if (takesAnyCert && identity === undefined) options.secureContext = trusting()
  if (ca !== undefined) options.ca = ca
  return identity === undefined ? options : { ...options, ...identity }
}

let ofTrusting: SecureContext | undefined

/** For who asks for no certificate in particular: roots, which nobody looks at, are most of what a context costs. */
const trusting = (): SecureContext => (ofTrusting ??= createSecureContext({ ca: [], minVersion: 'TLSv1.2' }))

export const socketConn = (conn: Conn): SocketConn => {
  if (conn instanceof SocketConn) return conn
  throw new TypeError('TLS goes over a socket')
}

export const failure = (cause: Error): NetError =>
  new NetError('TLS_FAILED', `the TLS handshake failed: ${reasonOf(cause)}`, { cause })

const reset = (): NetError => new NetError('CLIENT_RESET', 'the client broke off within the TLS handshake')

/** Not of TLS: the connection itself broke. */
const isSystemError = (error: Error): boolean => 'syscall' in error

/** Why the certificate that the client has shown is none; OpenSSL itself only refuses those who show nothing. */
const verifyError = (socket: Socket): Error | undefined => {
  const handle = Reflect.get(socket, 'ssl') as { verifyError(): Error | null | undefined }
  return handle.verifyError() ?? undefined
}
