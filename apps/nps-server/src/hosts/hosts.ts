import type { Listener } from '@sluice/net'
import type { Handshake, Program } from '@sluice/service'
import type { Registry } from '../registry.ts'
import { hostDial } from './host-dial.ts'
import { HostVisit } from './host-visit.ts'
import type { NpsServerConfig } from '../config.ts'
import { LiveDoor } from './live-door.ts'

export interface HostsOptions {
  readonly program: Program
  readonly config: NpsServerConfig
  readonly registry: Registry
  /** Wall clock. @default Date.now */
  readonly now?: () => number
}

/** The listeners for visitors of hosts, as far as they are wanted. */
export interface Hosts {
  readonly http?: Listener
  readonly https?: Listener
}

/** Opens them. @throws the system's error; ConfigError where TLS files are of no use */
export const openHosts = async ({
  program,
  config,
  registry,
  now = Date.now,
}: HostsOptions): Promise<Hosts> => {
  const door = new LiveDoor({ program, config, registry, now })
  const dial = hostDial(() => door.config.dialMs)
  const own = { dial, mayReuse: (): boolean => true }
  const handshake: Handshake = (reader) => new HostVisit(reader, 'http', door).begin(reader)
  const http = config.http && (await program.listen('http', config.http, handshake, own))
  return { ...(http && { http }) }
}
