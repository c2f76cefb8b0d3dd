import { randomUUID } from 'node:crypto'
import type { Agent } from './agent.ts'
import { problemsOf } from './problems.ts'
import type { Registry } from './registry.ts'
import { PRESENCE_EVERY_MS, type Presence } from './store/presence-table.ts'
import type { RecordStore } from './store/record-store.ts'

export interface PresenceWriterOptions {
  readonly store: Pick<RecordStore, 'presence'>
  /** What it tells of. */
  readonly live: Pick<Registry, 'clients' | 'tunnels' | 'hosts'>
}

/** Lets other programs know who is connected here and what is wrong, through the store. */
export class PresenceWriter {
  readonly #options: PresenceWriterOptions
  readonly #node: string = randomUUID()
  #wroteAt = -Infinity
  #isNew = true

  constructor(options: PresenceWriterOptions) {
    this.#options = options
  }

  /** Somebody has come or gone: the next `write` is not to wait. */
  changed(): void {
    this.#isNew = true
  }

  /** Writes where something is new, or at the latest when it is time to say that the server still runs. @throws StoreError */
  write(now: number): void {
    if (!this.#isNew && now - this.#wroteAt < PRESENCE_EVERY_MS) return
    const { store, live } = this.#options
    const agents = [...live.clients.values()].flatMap(({ agents: { all } }) => all.map(presenceOf))
    const problems = problemsOf(live.tunnels.values())
    const hostProblems = problemsOf(live.hosts.values())
    store.presence.put(this.#node, { agents, problems, hostProblems })
    this.#wroteAt = now
    this.#isNew = false
  }

  /** The server stops. @throws StoreError */
  drop(): void {
    this.#options.store.presence.drop(this.#node)
  }
}

const presenceOf = ({ clientId, kind, remote, since, version, rttMs, streams }: Agent): Presence => ({
  clientId,
  kind,
  remote,
  since,
  version,
  rttMs,
  streams,
})
