import { type Conn, refuse } from '@sluice/net'
import { type Account, type ErrorCode, type ServedRequest, type Serving, ServiceError } from '@sluice/service'
import { YamuxMux } from '../mux/index.ts'
import type { Registry } from '../registry.ts'
import { NativeAgent } from './native-agent.ts'
import type { ProvenClient } from './server-login.ts'
import { type OnVisit, serveOwnStream } from './own-streams.ts'

/** What all agents of a bridge share. */
export interface AgentParts {
  readonly registry: Pick<Registry, 'joined' | 'left' | 'ownerOf'>
  /** Those that are here, by client and instance. */
  readonly agents: Map<string, NativeAgent>
  readonly onVisit: OnVisit | undefined
  /** How long a stream of a client program may take to say what it is for. */
  readonly headerMs: number
  readonly maxStreams: number
  /** Of one client. */
  readonly maxPrograms: number
  readonly pingMs: number
  readonly deadMs: number
  /** Wall clock, ms since 1970. */
  readonly now: () => number
  /** Told of each that comes and goes. */
  readonly onChange: (event: 'agent.joined' | 'agent.left', agent: NativeAgent, error?: Error) => void
}

/** A client program that was let in: serves the visitors of its client until either side has enough. */
export class AgentRequest implements ServedRequest {
  readonly protocol = 'bridge'
  readonly target = undefined
  /** What passes is payload of its visitors' sessions, and while there is none, it waits for them. */
  readonly mirrors = true
  readonly isControl = true
  readonly account: Account
  readonly fields: { readonly clientId: number }
  readonly #parts: AgentParts
  readonly #conn: Conn
  readonly #proven: ProvenClient

  constructor(parts: AgentParts, conn: Conn, proven: ProvenClient) {
    this.#parts = parts
    this.#conn = conn
    this.#proven = proven
    this.account = parts.registry.ownerOf(proven.client)
    this.fields = { clientId: proven.client.record.id }
  }

  reject(code: ErrorCode): Promise<void> {
    return refuse(this.#conn, this.#proven.words.no(code))
  }

  async serve(session: Serving): Promise<void> {
    if (this.#isFull) {
      await this.reject('AGENT_LIMIT')
      throw new ServiceError('AGENT_LIMIT')
    }
    await new Promise<void>((resolve, reject) => {
      const agent = this.#begin(session, (error) => (error === undefined ? resolve() : reject(error)))
      session.onStop = (error): void => agent.shut(error)
      session.onShutdown = (): void => this.#leave(agent)
    })
  }

  /** One that takes the place of itself is no more than there were. */
  get #isFull(): boolean {
    const { client, info } = this.#proven
    const { id } = client.record
    const { agents, maxPrograms } = this.#parts
    if (agents.has(placeOf(id, info.instance))) return false
    let count = 0
    for (const { clientId } of agents.values()) if (clientId === id) count += 1
    return count >= maxPrograms
  }

  /** No visitor is led to it any more. */
  #leave(agent: NativeAgent): void {
    this.#parts.registry.left(this.#proven.client, agent)
    agent.leave()
  }

  #begin(session: Serving, settle: (error: Error | undefined) => void): NativeAgent {
    const { agents, registry, maxStreams, pingMs, deadMs, now, onChange, onVisit, headerMs } = this.#parts
    const { client, key: publicKey, words, info } = this.#proven
    const { id } = client.record
    const place = placeOf(id, info.instance)
    const older = agents.get(place)
    this.#conn.write(words.welcome({ client: id, pingMs, deadMs, maxStreams }))
    const mux = new YamuxMux({
      ...{ conn: this.#conn, maxStreams, pingMs, deadMs },
      onStream: (stream) =>
        void serveOwnStream(stream, { agent, client, headerMs, onVisit, onLeave: () => this.#leave(agent) }),
      onClose: (error) => {
        if (agents.get(place) === agent) agents.delete(place)
        registry.left(client, agent)
        onChange('agent.left', agent, error)
        settle(error && lost(error))
      },
    })
    const agent = new NativeAgent(
      { clientId: id, publicKey, info, remote: session.client, since: now() },
      mux,
    )
    agents.set(place, agent)
    if (info.role === 'serve') registry.joined(client, agent)
    // Only now, so that there is always one who takes visitors.
    older?.shut(new ServiceError('REPLACED'))
    onChange('agent.joined', agent)
    return agent
  }
}

const placeOf = (client: number, instance: string): string => `${client} ${instance}`

/** Of an error that is not an outcome by itself. */
const lost = (cause: Error): Error =>
  cause instanceof ServiceError ? cause : new ServiceError('AGENT_LOST', undefined, { cause })
