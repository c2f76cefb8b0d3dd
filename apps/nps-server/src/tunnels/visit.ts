import { type Conn, type Route, straight } from '@sluice/net'
import type { Account, Caller, CallerDial, ErrorCode, Levels, Request } from '@sluice/service'
import { type Address, formatAddress } from '@sluice/wire'
import type { LiveTunnel } from '../registry.ts'
import type { Picked } from '../target-picker.ts'
import { dialAgent } from './agent-dial.ts'

/** What all visits of a program share. */
export interface VisitParts {
  readonly ownerOf: (client: LiveTunnel['client']) => Account
  readonly dialMs: () => number
}

/** A visitor who is led to a target of a tunnel, and says nothing about where to. */
export class Visit implements Request {
  readonly account: Account
  readonly levels: Levels
  readonly protocol: string
  readonly target: Address
  readonly dial: CallerDial = (_target, signal, caller) => this.#dial(signal, caller)
  readonly onEnd: () => void
  readonly #tunnel: LiveTunnel
  readonly #conn: Conn
  readonly #parts: VisitParts

  /** @throws NetError DIAL_FAILED where the tunnel has no target */
  constructor(tunnel: LiveTunnel, conn: Conn, protocol: string, parts: VisitParts) {
    const picked = pickFor(tunnel)
    this.account = parts.ownerOf(tunnel.client)
    this.levels = tunnel.levels
    this.protocol = protocol
    this.target = picked.address
    this.onEnd = (): void => picked.release()
    this.#tunnel = tunnel
    this.#conn = conn
    this.#parts = parts
  }

  accept(): Conn {
    return this.#conn
  }

  /** There are no words for it: the visitor sees that it was no regular end. */
  reject(_code: ErrorCode): Promise<void> {
    this.#conn.reset()
    return Promise.resolve()
  }

  async #dial(signal: AbortSignal, { client: visitor }: Caller): Promise<Route> {
    const { client, record } = this.#tunnel
    const stream = await dialAgent(client, { signal, ms: this.#parts.dialMs() }, (agent, waiting) => {
      if (record.mode === 'file') return agent.openFiles(filesOf(record, visitor), waiting)
      const { proxyHeader: version } = record
      const proxyHeader = version && { version, to: this.#conn.local }
      return agent.open({ target: formatAddress(this.target), visitor, proxyHeader }, waiting)
    })
    return straight(stream)
  }
}

/** The files of a client are at no address. */
const FILES: Picked = { address: { host: 'files', port: 0 }, release: () => {} }

const pickFor = ({ record, targets }: LiveTunnel): Picked => (record.mode === 'file' ? FILES : targets.pick())

const filesOf = (
  { localPath: path = '', stripPrefix = '' }: LiveTunnel['record'],
  visitor: Address,
): { path: string; stripPrefix: string; visitor: Address } => ({ path, stripPrefix, visitor })
