import type { ProgramConfig } from '@sluice/service'
import type { Address } from '@sluice/wire'

/** What hosts need of the settings. */
export interface HostsConfig extends ProgramConfig {
  http: Address | undefined
  https: Address | undefined
  httpsCert: string | undefined
  httpsKey: string | undefined
  /** Between two requests of a visitor. */
  keepAliveMs: number
  /** From the end of a request to the head of its response. */
  responseMs: number
}
