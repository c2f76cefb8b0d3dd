import type { Listener } from '@sluice/net'
import type { Handshake, Program } from '@sluice/service'
import type { LiveHost, Registry } from '../registry.ts'
import { Certificates } from './certificates.ts'
import { Failovers } from '../failovers.ts'
import { type HostAcme, NO_ACME } from './host-acme.ts'
import { hostDial } from './host-dial.ts'
import { H2Server } from './h2/h2-server.ts'
import { HostVisit } from './host-visit.ts'
import type { NpsServerConfig } from '../config.ts'
import { LiveDoor } from './live-door.ts'
import { secureHandshake } from './secure-handshake.ts'

export interface HostsOptions {
  readonly program: Program
  readonly config: NpsServerConfig
  readonly registry: Registry
  /** @default no certificate is asked for */
  readonly acme?: HostAcme
  /** @default its own */
  readonly failovers?: Failovers
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
  acme = NO_ACME,
  failovers = new Failovers(program.log),
  now = Date.now,
}: HostsOptions): Promise<Hosts> => {
  const door = new LiveDoor({ program, config, registry, acme, now })
  const dial = hostDial(() => door.config.dialMs, failovers)
  const own = { dial, mayReuse: (): boolean => true }
  const listening = config.https && { address: config.https, handshake: await secured(program, config, door) }
  const handshake: Handshake = (reader) => new HostVisit(reader, 'http', door).begin(reader)
  const http = config.http && (await program.listen('http', config.http, handshake, own))
  const https = listening && (await program.listen('https', listening.address, listening.handshake, own))
  door.secure = https?.address
  return { ...(http && { http }), ...(https && { https }) }
}

/** First of all, so that nothing is open yet where its files are of no use. */
const secured = async (
  program: Program,
  { httpsCert: cert, httpsKey: key }: NpsServerConfig,
  door: LiveDoor,
): Promise<Handshake> => {
  const named = (name: string): Iterable<LiveHost> => door.router().named(name, door.now())
  const certificates = await Certificates.open({ cert, key, named, acme: door.acme, log: program.log })
  program.beforeClose.push(() => {
    certificates[Symbol.dispose]()
    return Promise.resolve()
  })
  return secureHandshake(door, certificates, new H2Server())
}
