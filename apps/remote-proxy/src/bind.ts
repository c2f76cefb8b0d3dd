import { isIP } from 'node:net'
import { type Conn, type ConnSink, Inbound, NetError, type PortRange, refuse } from '@sluice/net'
import {
  type Account,
  type CallerLocate,
  codeOf,
  type ErrorCode,
  type ServedRequest,
  ServiceError,
  type Serving,
} from '@sluice/service'
import type { SocksClient, SocksCommand, SocksWords } from '@sluice/service/socks'
import type { Address } from '@sluice/wire'

export interface BindOptions {
  readonly locate: CallerLocate
  /** IP address to listen on. @default the one by which the client came */
  readonly host?: string | undefined
  /** @default those of the system's choice */
  readonly ports?: PortRange | undefined
  /** How long one connection is waited for. */
  readonly timeoutMs: number
}

/** So many wait at a time; each has a listener of its own. */
const MAX_WAITING = 1024

/** The BIND of SOCKS (RFC 1928 §4, and that of SOCKS4): waits for one connection, and relays it. */
export class Bind implements SocksCommand {
  readonly options: BindOptions
  readonly places: BindPlaces

  constructor(options: BindOptions, places: BindPlaces = new BindPlaces()) {
    this.options = options
    this.places = places
  }

  request(client: SocksClient, from: Address): ServedRequest {
    return new BindRequest(this, client, from)
  }
}

/** Where clients wait; a reload changes the options and not who waits. */
export class BindPlaces {
  #waiting = 0

  /** Takes a place among those who wait. @throws ServiceError DIAL_LOCAL_LIMIT */
  enter(): Disposable {
    if (this.#waiting >= MAX_WAITING) {
      throw new ServiceError('DIAL_LOCAL_LIMIT', `${MAX_WAITING} listeners of BIND are open`)
    }
    this.#waiting += 1
    return { [Symbol.dispose]: () => void (this.#waiting -= 1) }
  }
}

class BindRequest implements ServedRequest {
  readonly protocol = 'bind'
  readonly account: Account
  /** From where the connection is to come. */
  readonly target: Address
  readonly #bind: Bind
  readonly #conn: Conn
  readonly #words: SocksWords

  constructor(bind: Bind, { conn, account, words }: SocksClient, from: Address) {
    this.account = account
    this.target = from
    this.#bind = bind
    this.#conn = conn
    this.#words = words
  }

  reject(code: ErrorCode): Promise<void> {
    return refuse(this.#conn, this.#words.refused(code))
  }

  async serve(session: Serving): Promise<void> {
    let peer: Conn
    try {
      peer = await this.#meet(session)
    } catch (error) {
      await this.reject(codeOf(error))
      throw error
    }
    try {
      this.#conn.write(this.#words.accepted(peer.remote))
      await session.relay(this.#conn, peer)
    } finally {
      peer.destroy()
    }
  }

  async #meet(session: Serving): Promise<Conn> {
    using end = new EarlyEnd(session, this.#bind.places.enter())
    const { host = session.conn.local.host, ports, timeoutMs } = this.#bind.options
    const ips = await Promise.race([this.#expected(session, host), end.promise])
    const expects = (remote: Address): boolean => ips === undefined || ips.includes(remote.host)
    const inbound = await Inbound.open({ host, ports, expects })
    try {
      this.#conn.write(this.#words.accepted(toldOf(inbound.address, session.conn.local)))
      end.after(timeoutMs)
      const peer = await Promise.race([inbound.conn, end.promise])
      // Where anybody may come, the address policy has its say now.
      if (ips === undefined)
        await Promise.race([this.#bind.options.locate(peer.remote, session), end.promise])
      return peer
    } catch (error) {
      inbound.abandon()
      throw error
    } finally {
      inbound.close()
    }
  }

  /** The addresses from which the connection may come; undefined: from any. */
  async #expected(session: Serving, host: string): Promise<readonly string[] | undefined> {
    if (isWildcard(this.target.host)) return undefined
    const ips = await this.#bind.options.locate(this.target, session)
    const near = host === '::' ? ips : ips.filter((ip) => isIP(ip) === isIP(host))
    if (near.length > 0) return near
    throw new NetError('DIAL_UNREACHABLE_NETWORK', `nobody comes from ${ips.join(', ')} to ${host}`)
  }
}

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::'

/** A client cannot send anybody to a wildcard; it came by an address that leads here. */
const toldOf = ({ host, port }: Address, local: Address): Address => ({
  host: isWildcard(host) ? local.host : host,
  port,
})

/** Everything that ends the wait of a client: itself, time, or the session from outside. */
class EarlyEnd implements ConnSink, Disposable {
  readonly promise: Promise<never>
  readonly #reject: (error: Error) => void
  readonly #session: Serving
  readonly #place: Disposable
  #timer: NodeJS.Timeout | undefined = undefined

  /** @param place is left when the wait is over */
  constructor(session: Serving, place: Disposable) {
    const { promise, reject } = Promise.withResolvers<never>()
    // It may come while nobody waits; whoever waits next is told.
    promise.catch(() => {})
    this.promise = promise
    this.#reject = reject
    this.#session = session
    this.#place = place
    session.onStop = reject
    session.onShutdown = (): void => reject(new ServiceError('SHUTDOWN'))
    session.conn.attach(this)
    session.conn.resume()
  }

  after(ms: number): void {
    this.#timer = setTimeout(
      () => this.#reject(new NetError('DIAL_TIMEOUT', 'no connection came in time')),
      ms,
    )
  }

  /** What a client sends early waits in the conn. */
  onData(chunk: Uint8Array): void {
    this.#session.conn.pause()
    this.#session.conn.unread(chunk)
  }

  /** Who has sent something first is paused, and its end is the relay's to see; who has not has nothing to half-close. */
  onEnd(): void {
    this.onClose(undefined)
  }

  onDrain(): void {}

  onClose(cause: Error | undefined): void {
    this.#reject(new NetError('CLIENT_CLOSED', 'the client left while it waited', { cause }))
  }

  [Symbol.dispose](): void {
    this.#place[Symbol.dispose]()
    clearTimeout(this.#timer)
    this.#session.onStop = undefined
    this.#session.onShutdown = undefined
    this.#session.conn.attach(undefined)
  }
}
