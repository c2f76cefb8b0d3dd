import type { TlsContext } from '@sluice/net'
import { type Log, ServiceError } from '@sluice/service'
import { formatAddress } from '@sluice/wire'
import type { NpcReport } from '@sluice/wire/npc'
import type { NpcMux } from '../mux/npc-mux.ts'
import type { LiveClient, Registry } from '../registry.ts'
import { NpcAgent } from './agent.ts'
import { checkMayCome, type NpcArrival } from './handshake.ts'
import { NpcLoan } from './loan.ts'
import type { NpcMain } from './main-conn.ts'

/** Who has found that a target is down. */
const BY = 'npc'

export interface NpcPlacesOptions {
  readonly registry: Registry
  readonly log: Log
  /** What streams are encrypted with. */
  readonly context: TlsContext
  /** How long a program may have only one of the two conns that it needs, and what one has lent may wait for it, ms. */
  readonly patienceMs: number
}

/** The programs that are here: one for each client, the one that came last. */
export class NpcPlaces {
  readonly #options: NpcPlacesOptions
  readonly #agents = new Map<LiveClient, NpcAgent>()
  /** Brought by programs that are yet to come. */
  readonly #loans = new Map<LiveClient, NpcLoan>()

  constructor(options: NpcPlacesOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#agents.size
  }

  of(client: LiveClient): NpcAgent | undefined {
    return this.#agents.get(client)
  }

  /** A program that has begun anew: whatever is left of the one before goes, its own conns and streams included. */
  mainCame(main: NpcMain): void {
    const { client } = main.arrival
    const before = this.#agents.get(client)
    const agent = before === undefined || before.hasMain ? this.#open(main.arrival) : before
    if (agent !== before) before?.end('another took its place', new ServiceError('REPLACED'))
    const loan = this.#loans.get(client)
    this.#loans.delete(client)
    if (loan !== undefined) agent.takeLoan(loan)
    agent.takeMain(main)
  }

  chanCame(arrival: NpcArrival, mux: NpcMux): void {
    const agent = this.#agents.get(arrival.client) ?? this.#open(arrival)
    agent.takeChan(mux)
  }

  /** Whoever brings tunnels of its own opens its file server before all else. */
  fileCame(arrival: NpcArrival, mux: NpcMux): void {
    const { client } = arrival
    const loan = this.#loans.get(client)
    if (loan === undefined) return (this.#agents.get(client) ?? this.#open(arrival)).takeFile(mux)
    const before = loan.file
    loan.file = mux
    before?.close(new ServiceError('REPLACED'))
  }

  lost(client: LiveClient, part: NpcMain | NpcMux): void {
    const loan = this.#loans.get(client)
    if (loan !== undefined && loan.file === part) loan.file = undefined
    this.#agents.get(client)?.lost(part)
  }

  /** Has what a program of the client is about to bring take the place of what one before has brought. */
  lend(client: LiveClient): NpcLoan {
    this.#loans.get(client)?.close()
    this.#agents.get(client)?.dropLoan()
    const loan = new NpcLoan()
    this.#loans.set(client, loan)
    return loan
  }

  /** All that it brings is there: the program has to come soon. */
  lent(client: LiveClient, loan: NpcLoan): void {
    const giveUp = (): void => {
      if (this.#loans.get(client) !== loan) return
      this.#loans.delete(client)
      loan.close()
    }
    setTimeout(giveUp, this.#options.patienceMs).unref()
  }

  /** What it has found of its targets by checks of its own. */
  reported({ client }: NpcArrival, report: NpcReport): void {
    if (report.type !== 'health') return
    const { target, isUp } = report
    for (const { targets } of [...client.tunnels.values(), ...client.hosts.values()])
      targets.setUp(target, isUp, BY)
    this.#options.log.info({ client: client.record.id, target, up: isUp }, 'target.reported')
  }

  /** The records have changed: who would not be let in any more goes. */
  check(): void {
    const { registry } = this.#options
    for (const agent of [...this.#agents.values()]) this.#checkAgent(agent)
    for (const [client, loan] of this.#loans) {
      if (registry.clients.get(client.record.id) === client && client.record.mayConfigure) continue
      this.#loans.delete(client)
      loan.close()
    }
  }

  /** The server is to stop. */
  retire(client: LiveClient): void {
    this.#agents.get(client)?.retire()
  }

  /** All go, and what they brought. */
  close(): void {
    for (const agent of [...this.#agents.values()])
      agent.end('the server stops', new ServiceError('SHUTDOWN'))
    for (const loan of this.#loans.values()) loan.close()
    this.#loans.clear()
  }

  #checkAgent(agent: NpcAgent): void {
    const { registry } = this.#options
    const { client, keyHash } = agent
    if (registry.byVkeyHash(keyHash) !== client)
      return agent.end('its key is void', new ServiceError('CREDENTIAL_CHANGED'))
    try {
      checkMayCome(client, registry, Date.now())
    } catch (error) {
      agent.end('its client may not come in any more', error as ServiceError)
    }
  }

  #open({ client, keyHash, version, from }: NpcArrival): NpcAgent {
    const { registry, context, patienceMs } = this.#options
    const agent = new NpcAgent({
      ...{ client, keyHash, remote: from, version, context, patienceMs },
      onJoined: (joined) => {
        this.#tell('agent.joined', joined)
        registry.joined(client, joined)
      },
      onLeft: (left, why) => {
        this.#tell('agent.left', left, why)
        forgetReports(client)
        registry.left(client, left)
      },
      onClosed: (closed) => {
        // Another may have its place by now.
        if (this.#agents.get(client) === closed) this.#agents.delete(client)
      },
    })
    this.#agents.set(client, agent)
    return agent
  }

  #tell(message: string, { clientId, kind, remote, version }: NpcAgent, why?: string): void {
    this.#options.log.info({ client: clientId, kind, agent: formatAddress(remote), version, why }, message)
  }
}

/** Nobody would say that they are up again. */
const forgetReports = ({ tunnels, hosts }: LiveClient): void => {
  for (const { targets } of [...tunnels.values(), ...hosts.values()]) {
    for (const target of targets.down) targets.setUp(target, true, BY)
  }
}
