import type { PlainLogin } from '../manager-inputs.ts'
import type { FlowTotals, NewClient, NewHost, NewTunnel } from '../records.ts'

/** What is to be made of an import, before anything is. */
export class Plan {
  readonly clients: PlannedClient[] = []
  readonly tunnels: PlannedTunnel[] = []
  readonly hosts: PlannedHost[] = []
  /** Because of these nothing is made. Each names its place, and no secret. */
  readonly errors: string[] = []
  /** What becomes of it otherwise than there. */
  readonly notes: string[] = []
  /** Flags that stand for settings. */
  readonly flags: string[] = []
  /** A path that a file names, as seen from anywhere. */
  readonly pathOf: (path: string) => string

  constructor(pathOf: Plan['pathOf']) {
    this.pathOf = pathOf
  }
}

interface Planned {
  /** Where it comes from, for people. */
  readonly label: string
  /** The id that it has had. */
  readonly wish?: number | undefined
  readonly flow: FlowTotals
}

export interface PlannedClient extends Planned {
  /** `remark`, or the id. */
  readonly record: Omit<NewClient, 'login' | 'webLogin' | 'maxTunnels' | 'vkeyHash'> & {
    readonly vkeyHash: string
  }
  readonly login?: PlainLogin | undefined
  readonly webLogin?: PlainLogin | undefined
  /** Holds once all is imported: there it was asked for new ones alone. */
  readonly maxTunnels?: number | undefined
  /** Where the store has its key already, that client stays as it is and gets the tunnels and hosts. @default no: then it is an error */
  readonly mayExist?: boolean
}

export interface PlannedTunnel extends Planned {
  readonly client: PlannedClient
  readonly record: Omit<NewTunnel, 'clientId' | 'logins'>
  readonly logins: readonly PlainLogin[]
}

export interface PlannedHost extends Planned {
  readonly client: PlannedClient
  readonly record: Omit<NewHost, 'clientId'>
}

export const NO_FLOW: FlowTotals = { inlet: 0, export: 0 }
