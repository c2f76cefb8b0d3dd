import { hashPassword } from '@sluice/userstore'
import type { PlainLogin } from '../manager-inputs.ts'
import type { FlowTotals, Kind, Login } from '../records.ts'
import { RecordError } from '../store/record-error.ts'
import type { RecordStore } from '../store/record-store.ts'
import type { Plan, PlannedClient, PlannedHost, PlannedTunnel } from './plan.ts'

/** What was made, or would be. */
export interface Made {
  readonly kind: Kind
  readonly label: string
  readonly id: number
}

export interface CarriedOut {
  readonly made: readonly Made[]
  /** Where there is one, nothing was made. */
  readonly errors: readonly string[]
}

/** The day on which everything was counted that was counted before: no period that is of any interest has it. */
const LONG_AGO = 0
/** Of scrypt where the hash is not to be kept. */
const TRIAL_COST = 1

/** Makes all of it or, where anything is wrong, nothing. @param isTrial nothing either, but says what would be */
export const carryOut = async (store: RecordStore, plan: Plan, isTrial: boolean): Promise<CarriedOut> => {
  const hashes = await hashesOf(plan, isTrial)
  const run = new Run(store, hashes)
  try {
    store.transaction(() => {
      run.makeAll(plan)
      if (isTrial || run.errors.length > 0) throw new Undone()
    })
  } catch (error) {
    if (!(error instanceof Undone)) throw error
  }
  return run
}

/** Takes a transaction back. */
class Undone extends Error {}

type Hashes = ReadonlyMap<string, string>

/** Of each password once: it takes a while. */
const hashesOf = async (plan: Plan, isTrial: boolean): Promise<Hashes> => {
  const logins = [
    ...plan.clients.flatMap(({ login, webLogin }) => [login, webLogin]),
    ...plan.tunnels.flatMap((tunnel) => tunnel.logins),
  ]
  const hashes = new Map<string, string>()
  for (const login of logins) {
    if (login === undefined || hashes.has(login.password)) continue
    hashes.set(login.password, await hashPassword(login.password, ...(isTrial ? [TRIAL_COST] : [])))
  }
  return hashes
}

class Run implements CarriedOut {
  readonly made: Made[] = []
  readonly errors: string[] = []
  readonly #store: RecordStore
  readonly #hashes: Hashes
  readonly #ids = new Map<PlannedClient, number>()

  constructor(store: RecordStore, hashes: Hashes) {
    this.#store = store
    this.#hashes = hashes
  }

  makeAll(plan: Plan): void {
    const known = new Map(this.#store.clients().map(({ vkeyHash, id }) => [vkeyHash, id]))
    for (const client of plan.clients) this.#client(client, known.get(client.record.vkeyHash))
    for (const tunnel of plan.tunnels) this.#tunnel(tunnel)
    for (const host of plan.hosts) this.#host(host)
    for (const client of plan.clients) {
      const id = this.#ids.get(client)
      if (client.maxTunnels !== undefined && id !== undefined) {
        this.#store.patchClient(id, { maxTunnels: client.maxTunnels })
      }
    }
    const { clients, tunnels, hosts } = plan
    const after = { clients: clients.length, tunnels: tunnels.length, hosts: hosts.length }
    this.#store.audit.append({ by: 'cli', action: 'import', after })
  }

  #client(planned: PlannedClient, known: number | undefined): void {
    const { record, wish, label, login, webLogin, mayExist = false } = planned
    if (known !== undefined) {
      if (mayExist) this.#ids.set(planned, known)
      else this.errors.push(`${label}: client ${known} has its key: it was imported before`)
      return
    }
    const logins = { ...this.#login('login', login), ...this.#login('webLogin', webLogin) }
    const id = this.#make('client', planned, () => this.#store.addClient({ ...record, ...logins }, wish).id)
    if (id !== undefined) this.#ids.set(planned, id)
  }

  #tunnel(planned: PlannedTunnel): void {
    const clientId = this.#ids.get(planned.client)
    if (clientId === undefined) return
    const logins = planned.logins.map((login) => this.#hashed(login))
    const record = { ...planned.record, clientId, ...(logins.length > 0 && { logins }) }
    this.#make('tunnel', planned, () => this.#store.addTunnel(record, planned.wish).id)
  }

  #host(planned: PlannedHost): void {
    const clientId = this.#ids.get(planned.client)
    if (clientId === undefined) return
    this.#make('host', planned, () => this.#store.addHost({ ...planned.record, clientId }, planned.wish).id)
  }

  /** Of several that cannot be, each is told. */
  #make(
    kind: Kind,
    { label, flow }: { label: string; flow: FlowTotals },
    add: () => number,
  ): number | undefined {
    try {
      const id = add()
      if (flow.inlet + flow.export > 0) this.#store.book([{ kind, id, ...flow }], LONG_AGO)
      this.made.push({ kind, label, id })
      return id
    } catch (error) {
      if (!(error instanceof RecordError)) throw error
      this.errors.push(`${label}: ${error.message}`)
      return undefined
    }
  }

  #login(key: string, login: PlainLogin | undefined): Partial<Record<string, Login>> {
    return login === undefined ? {} : { [key]: this.#hashed(login) }
  }

  #hashed({ name, password }: PlainLogin): Login {
    return { name, hash: this.#hashes.get(password)! }
  }
}
