import type { PortRange } from '@sluice/net'
import type { Address } from '@sluice/wire'
import type { Kept, Managing } from '../managing.ts'
import type { Sources } from '../views.ts'
import type { Params } from './params.ts'

/** Who changes something, as the audit log has it. */
export const BY = 'nps-api'

export interface NpsParts {
  readonly store: Pick<Kept, 'clients' | 'tunnels' | 'hosts'>
  readonly manager: Managing
  readonly sources: Sources
  /** Where npc comes in; undefined: nowhere. */
  readonly bridge: Address | undefined
  /** Which a tunnel may be opened at. */
  readonly ports: () => readonly PortRange[]
}

/** How the request came here. */
export interface Asked {
  /** Name of this server, as who asks knows it. */
  readonly host: string
}

type Serve = (params: Params, asked: Asked) => object | Promise<object>

/** By path. Changes are made once with each key. */
export interface NpsRoutes {
  readonly reads: Readonly<Record<string, Serve>>
  readonly changes: Readonly<Record<string, Serve>>
}

export const done = (msg: string): object => ({ status: 1, msg })
