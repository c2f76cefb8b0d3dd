import { type Conn, refuse } from '@sluice/net'
import { type Account, type Levels, type ServedRequest, ServiceError } from '@sluice/service'
import type { Address } from '@sluice/wire'
import { encodeNpcMeetingPoint } from '@sluice/wire/npc'
import type { LiveTunnel } from '../registry.ts'
import { meetingPoint } from './meeting-point.ts'
import type { NpcMeetings } from './meetings.ts'

export interface PeerVisitParts {
  /** Of the tunnel's client. */
  readonly account: Account
  readonly meetings: NpcMeetings
  readonly passwordMd5: string
}

/** A visitor who wants to meet the tunnel's program: both are told where. What they then say to each other is not ours to see. */
export class PeerVisit implements ServedRequest {
  readonly protocol = 'npc-p2p'
  readonly target: Address | undefined = undefined
  readonly #tunnel: LiveTunnel
  readonly #conn: Conn
  readonly #parts: PeerVisitParts

  constructor(tunnel: LiveTunnel, conn: Conn, parts: PeerVisitParts) {
    this.#tunnel = tunnel
    this.#conn = conn
    this.#parts = parts
  }

  get account(): Account {
    return this.#parts.account
  }

  get levels(): Levels {
    return this.#tunnel.levels
  }

  reject(): Promise<void> {
    return refuse(this.#conn, new Uint8Array(0))
  }

  async serve(): Promise<void> {
    const { meetings, passwordMd5 } = this.#parts
    const { client } = this.#tunnel
    const agent = client.agents.pick(client.record.selection)
    if (agent === undefined) throw new ServiceError('AGENT_OFFLINE')
    if (agent.meet === undefined) throw new ServiceError('COMMAND_UNSUPPORTED')
    meetings.begin(passwordMd5)
    agent.meet(meetings.address, passwordMd5)
    await refuse(this.#conn, encodeNpcMeetingPoint(meetingPoint(meetings.address, this.#conn)))
  }
}
