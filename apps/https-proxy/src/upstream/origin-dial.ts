import { ConnStream, NetError, type Route, tlsSocket } from '@sluice/net'
import type { Caller, CallerDial } from '@sluice/service'
import type { Address } from '@sluice/wire'
import { H1Conn } from './h1-conn.ts'
import { H2Conn } from './h2-conn.ts'
import type { OriginConn } from './origin-conn.ts'
import { tlsError } from './origin-error.ts'
import type { OriginTrust } from './origin-trust.ts'

export interface OriginDialOptions {
  /** Has the address policy, the access rules and the upstreams of the program in it. */
  readonly dial: CallerDial
  readonly trust: OriginTrust
  readonly allowH2: boolean
  readonly idleMs: number
}

/** Where a URL of http or https leads. */
export const addressOf = (url: URL): Address => {
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
  return { host, port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port) }
}

/**
 * Opens a conn to the origin of `url` for `caller`, and TLS over it for https.
 * @throws what the dial throws; ServiceError ORIGIN_UNTRUSTED; the reason of `signal`
 */
export const dialOrigin = async (
  options: OriginDialOptions,
  caller: Caller,
  url: URL,
  signal: AbortSignal,
): Promise<OriginConn> => {
  // What is for `http` could end at a proxy in the origin's place, which wants other requests.
  const route = await options.dial(addressOf(url), signal, caller, 'tunnel')
  const { origin, protocol } = url
  if (protocol === 'http:') return new H1Conn(new ConnStream(route.conn), route, origin, options.idleMs)
  return secured(options, route, url, signal)
}

const secured = async (
  { trust, allowH2, idleMs }: OriginDialOptions,
  route: Route,
  url: URL,
  signal: AbortSignal,
): Promise<OriginConn> => {
  const { host: name } = addressOf(url)
  const protocols = allowH2 ? ['h2', 'http/1.1'] : ['http/1.1']
  try {
    const socket = await tlsSocket(route.conn, { name, protocols, ...trust.termsFor(url) }, signal)
    const isH2 = socket.alpnProtocol === 'h2'
    return new (isH2 ? H2Conn : H1Conn)(socket, route, url.origin, idleMs)
  } catch (error) {
    route.conn.destroy()
    throw tlsError(name, error)
  }
}

/** What a connect deadline ends a dial with. */
export const dialTimeout = (url: URL): NetError =>
  new NetError('DIAL_TIMEOUT', `${url.host} was not reached in time`)
