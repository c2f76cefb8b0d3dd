import { type Conn, type TlsContext, tlsOver, writeProxyHeader } from '@sluice/net'
import { ServiceError } from '@sluice/service'
import { type Address, formatAddress } from '@sluice/wire'
import { encodeNpcLink, NPC_DIAL_TIMEOUT_MS, type NpcLinkType } from '@sluice/wire/npc'
import type { Agent, DatagramLink, FileLink, Link, PacketLink } from '../agent.ts'
import type { NpcMux } from '../mux/npc-mux.ts'
import type { LiveClient } from '../registry.ts'
import { npcDatagrams } from './datagrams.ts'
import type { NpcLoan } from './loan.ts'
import type { NpcMain } from './main-conn.ts'
import { meetingPoint } from './meeting-point.ts'
import { npcPackets } from './packets.ts'
import { SnappyConn } from './snappy-conn.ts'

/** How often a program that is to go is looked at, whether it still carries anything. */
const RETIRE_MS = 100

export interface NpcAgentOptions {
  readonly client: LiveClient
  /** Hash of the key that it came in by. */
  readonly keyHash: string
  readonly remote: Address
  readonly version: string
  /** What streams are encrypted with. */
  readonly context: TlsContext
  /** How long it may have only one of the two conns that it needs, ms. */
  readonly patienceMs: number
  /** It can take streams now, or cannot any more. */
  readonly onJoined: (agent: NpcAgent) => void
  readonly onLeft: (agent: NpcAgent, why: string) => void
  /** Once, behind `onLeft`. */
  readonly onClosed: (agent: NpcAgent) => void
}

/**
 * One program of npc's kind: a conn for signals and one with a mux, both of which it needs, and perhaps one with a mux to its
 * file server. They come in any order.
 */
export class NpcAgent implements Agent {
  readonly kind = 'npc'
  readonly client: LiveClient
  readonly keyHash: string
  readonly clientId: number
  readonly remote: Address
  readonly since: number = Date.now()
  readonly version: string
  closed = false
  readonly #options: NpcAgentOptions
  #main: NpcMain | undefined = undefined
  #chan: NpcMux | undefined = undefined
  #file: NpcMux | undefined = undefined
  #loan: NpcLoan | undefined = undefined
  #isJoined = false
  #waiting: NodeJS.Timeout | undefined
  #retiring: NodeJS.Timeout | undefined = undefined

  constructor(options: NpcAgentOptions) {
    this.#options = options
    this.client = options.client
    this.keyHash = options.keyHash
    this.clientId = options.client.record.id
    this.remote = options.remote
    this.version = options.version
    this.#waiting = this.#giveTime()
  }

  get rttMs(): number {
    return this.#chan?.rttMs ?? 0
  }

  get streams(): number {
    return (this.#chan?.streams ?? 0) + (this.#file?.streams ?? 0)
  }

  get hasMain(): boolean {
    return this.#main !== undefined
  }

  async open(link: Link, signal: AbortSignal): Promise<Conn> {
    const { crypt, compress } = this.client.record
    const stream = await there(this.#chan).open(signal)
    stream.write(this.#header('tcp', link.target, link.visitor, { crypt, compress: compress && !crypt }))
    const conn = crypt ? tlsOver(stream, this.#options.context) : compress ? new SnappyConn(stream) : stream
    if (link.proxyHeader !== undefined) {
      const { version, to } = link.proxyHeader
      writeProxyHeader({ remote: to, write: (bytes) => conn.write(bytes) }, version, link.visitor)
    }
    return conn
  }

  async openFiles(_: FileLink, signal: AbortSignal): Promise<Conn> {
    // As our own says it where nobody has given it a folder.
    if (this.#file === undefined) throw new ServiceError('COMMAND_UNSUPPORTED', 'npc serves no files')
    return this.#file.open(signal)
  }

  /** In clear: within TLS or Snappy nobody could tell where a datagram ends. */
  async openDatagrams(link: Link, signal: AbortSignal): Promise<DatagramLink> {
    const stream = await there(this.#chan).openDatagrams(signal)
    stream.sendRaw(this.#header('udp', link.target, link.visitor))
    return npcDatagrams(stream)
  }

  async openPackets(visitor: Address, signal: AbortSignal): Promise<PacketLink> {
    const stream = await there(this.#chan).openDatagrams(signal)
    stream.sendRaw(this.#header('udp5', '', visitor))
    return npcPackets(stream)
  }

  meet(server: Address, passwordMd5: string): void {
    const main = this.#main
    main?.send({ type: 'p2p', server: meetingPoint(server, main.arrival.conn), passwordMd5 })
  }

  /** What it has brought goes with it. */
  takeLoan(loan: NpcLoan): void {
    this.#loan?.close()
    this.#loan = loan
    if (loan.file !== undefined) this.takeFile(loan.file)
  }

  /** Another is about to take its place. */
  dropLoan(): void {
    this.#loan?.close()
    this.#loan = undefined
  }

  takeMain(main: NpcMain): void {
    this.#main = main
    this.#settle('')
  }

  takeChan(mux: NpcMux): void {
    const before = this.#chan
    this.#chan = mux
    before?.close(new ServiceError('REPLACED'))
    this.#settle('')
  }

  takeFile(mux: NpcMux): void {
    const before = this.#file
    this.#file = mux
    if (before !== mux) before?.close(new ServiceError('REPLACED'))
  }

  /** One of its conns is no more. Without the one for signals the program has gone, and comes again by itself. */
  lost(part: NpcMain | NpcMux): void {
    if (part === this.#main) return this.close('its control connection has ended')
    if (part === this.#file) this.#file = undefined
    if (part !== this.#chan) return
    this.#chan = undefined
    this.#settle('its streams have ended')
  }

  /** The server is to stop: it goes when nobody uses it any more. */
  retire(): void {
    if (this.#retiring !== undefined || this.closed) return
    const look = (): void => {
      if (this.streams === 0) this.end('the server stops', new ServiceError('SHUTDOWN'))
    }
    this.#retiring = setInterval(look, RETIRE_MS)
    look()
  }

  close(why: string): void {
    this.end(why, undefined)
  }

  /** @param error the outcome of its conns; none: an ordinary end */
  end(why: string, error: Error | undefined): void {
    if (this.closed) return
    this.closed = true
    clearTimeout(this.#waiting)
    clearInterval(this.#retiring)
    if (this.#isJoined) this.#options.onLeft(this, why)
    this.#isJoined = false
    this.#options.onClosed(this)
    this.#main?.end(error)
    this.#chan?.close(error)
    this.#file?.close(error)
    this.#loan?.close()
  }

  #settle(why: string): void {
    const isJoined = this.#main !== undefined && this.#chan !== undefined
    if (this.closed || isJoined === this.#isJoined) return
    this.#isJoined = isJoined
    clearTimeout(this.#waiting)
    if (isJoined) return this.#options.onJoined(this)
    this.#waiting = this.#giveTime()
    this.#options.onLeft(this, why)
  }

  #giveTime(): NodeJS.Timeout {
    const giveUp = (): void =>
      this.end('only one of its connections came', new ServiceError('HANDSHAKE_TIMEOUT'))
    return setTimeout(giveUp, this.#options.patienceMs)
  }

  #header(
    type: NpcLinkType,
    host: string,
    visitor: Address,
    { crypt = false, compress = false }: { crypt?: boolean; compress?: boolean } = {},
  ): Uint8Array {
    const remote = formatAddress(visitor)
    const timeoutMs = NPC_DIAL_TIMEOUT_MS
    return encodeNpcLink({
      type,
      host,
      crypt,
      compress,
      localProxy: false,
      remote,
      timeoutMs,
      proxyVersion: '',
    })
  }
}

/** @throws ServiceError AGENT_OFFLINE */
const there = (mux: NpcMux | undefined): NpcMux => {
  if (mux === undefined) throw new ServiceError('AGENT_OFFLINE')
  return mux
}
