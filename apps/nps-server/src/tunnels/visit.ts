import { type Conn, type Route, straight } from '@sluice/net'
import {
  type Account,
  type Caller,
  type CallerDial,
  codeOf,
  type ErrorCode,
  type Levels,
  type Request,
} from '@sluice/service'
import type { Address } from '@sluice/wire'
import type { Failovers } from '../failovers.ts'
import type { LiveTunnel } from '../registry.ts'
import { dialTarget } from '../target-dial.ts'
import type { Picked } from '../target-picker.ts'
import { checkMayVisit } from '../visitor-lists.ts'
import { dialAgent } from './agent-dial.ts'

/** What all visits of a program share. */
export interface VisitParts {
  readonly ownerOf: (client: LiveTunnel['client']) => Account
  readonly dialMs: () => number
  readonly failovers: Failovers
}

/** How a visitor came to a tunnel, and in which words. */
export interface Visited {
  /** All that it brings is for the target. */
  readonly conn: Conn
  /** The address that the lists of visitors are asked for. */
  readonly visitor: Address
  readonly protocol: string
  /** @default there are none: who may not come is reset, and nothing is told to who may */
  readonly words?: VisitWords | undefined
}

/** What is told to a visitor before the first byte of the target. */
export interface VisitWords {
  accepted(): void
  refused(code: ErrorCode): Promise<void>
}

/**
 * Leads a visitor on who says nothing about where to; one who may not come has been told, or reset, when this throws.
 * @throws ServiceError VISITOR_DENIED; NetError DIAL_FAILED where the tunnel has no target
 */
export const visit = (tunnel: LiveTunnel, visited: Visited, parts: VisitParts): Request => {
  try {
    checkMayVisit(visited.visitor.host, tunnel)
    return new Visit(tunnel, visited, parts)
  } catch (error) {
    void refused(visited, codeOf(error))
    throw error
  }
}

const refused = ({ conn, words }: Visited, code: ErrorCode): Promise<void> => {
  if (words !== undefined) return words.refused(code)
  conn.reset()
  return Promise.resolve()
}

class Visit implements Request {
  readonly account: Account
  readonly levels: Levels
  readonly protocol: string
  readonly fields: LiveTunnel['fields']
  readonly dial: CallerDial = (_target, signal, caller) => this.#dial(signal, caller)
  readonly onSessionOver: () => void
  readonly #tunnel: LiveTunnel
  readonly #visited: Visited
  readonly #parts: VisitParts
  readonly #picked: Picked

  constructor(tunnel: LiveTunnel, visited: Visited, parts: VisitParts) {
    const picked = pickFor(tunnel)
    this.account = parts.ownerOf(tunnel.client)
    this.levels = tunnel.levels
    this.fields = tunnel.fields
    this.protocol = visited.protocol
    this.#picked = picked
    this.onSessionOver = (): void => picked.release()
    this.#tunnel = tunnel
    this.#visited = visited
    this.#parts = parts
  }

  /** As the log tells it: where the visitor was led in the end. */
  get target(): Address {
    return this.#picked.address
  }

  accept(): Conn {
    this.#visited.words?.accepted()
    return this.#visited.conn
  }

  reject(code: ErrorCode): Promise<void> {
    return refused(this.#visited, code)
  }

  async #dial(signal: AbortSignal, { client: visitor }: Caller): Promise<Route> {
    const { client, record } = this.#tunnel
    const until = { signal, ms: this.#parts.dialMs() }
    if (record.mode === 'file') {
      const files = filesOf(record, visitor)
      return straight(await dialAgent(client, until, (agent, waiting) => agent.openFiles(files, waiting)))
    }
    const { proxyHeader: version } = record
    const proxyHeader = version && { version, to: this.#visited.conn.local }
    const where = { live: this.#tunnel, picked: this.#picked, failovers: this.#parts.failovers }
    return straight(await dialTarget({ ...where, ...until, visitor, proxyHeader }))
  }
}

/** The files of a client are at no address. */
const FILES: Picked = {
  address: { host: 'files', port: 0 },
  others: 0,
  next: () => false,
  release: () => {},
}

const pickFor = ({ record, targets }: LiveTunnel): Picked => (record.mode === 'file' ? FILES : targets.pick())

const filesOf = (
  { localPath: path = '', stripPrefix = '' }: LiveTunnel['record'],
  visitor: Address,
): { path: string; stripPrefix: string; visitor: Address } => ({ path, stripPrefix, visitor })
