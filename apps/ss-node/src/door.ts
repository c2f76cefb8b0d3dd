import { BufferPool, errnoOf } from '@sluice/net'
import { type AccountDefaults, type Handshake, type ListenerOptions, Program } from '@sluice/service'
import type { SsNodeConfig } from './config.ts'
import { insecureUsers, showMetrics } from './door-metrics.ts'
import { FailureGuard } from './failure-guard.ts'
import { makeRoomForFiles } from './file-room.ts'
import { createHandshake } from './handshake.ts'
import { InsecureNotice } from './insecure-notice.ts'
import type { PlanSettings } from './plan.ts'
import { type OpenPort, Ports } from './ports.ts'
import { openRemote } from './remote/open-remote.ts'
import { remotePorts } from './remote/remote-ports.ts'
import { ReplayGuard } from './replay.ts'
import { SlicedSearch } from './sliced-search.ts'
import { openSources } from './sources/sources.ts'
import { openUdpPorts, type UdpPorts } from './udp/udp-ports.ts'

/** Names of the listeners. */
export const DOORS: readonly string[] = ['ss']

/** The ports of this door, which come and go with the users. */
export interface OpenDoor {
  readonly ports: Ports
  /** undefined: no datagrams are taken. */
  readonly udp: UdpPorts | undefined
}

/**
 * Opens the door in a running program: a port for each user who has one, and those that are shared. A port that cannot be
 * opened is told in the log, and tried again.
 */
export const openDoor = async (program: Program, config: SsNodeConfig): Promise<OpenDoor> => {
  const replays = new ReplayGuard()
  const pool = new BufferPool()
  const metrics = showMetrics(
    program,
    DOORS,
    () => ports,
    () => udp,
  )
  const parts = { replays, pool, search: new SlicedSearch(), guard: new FailureGuard(), metrics }
  const listen = listenOn(program, config.listen)
  const udp: UdpPorts | undefined = openUdpPorts(program, config, parts)
  const insecure = new InsecureNotice(program.log)
  const ports: Ports = new Ports({
    directory: program.directory,
    log: program.log,
    settings: settingsOf(config),
    onFollowed: () => insecure.now(insecureUsers(ports)),
    open: async (port, keyring, user) => {
      const number = port === 0 ? (config.port ?? 0) : port
      const fields = user === undefined ? {} : { fields: { user } }
      const conns = await listen(number, createHandshake(keyring, parts), fields)
      return withDatagrams(conns, await udp?.open(conns.address, keyring))
    },
  })
  program.onReload<SsNodeConfig>((next) => () => {
    program.directory.setDefaults(defaultsOf(next))
    ports.set(settingsOf(next))
  })
  program.onStop(() => ports[Symbol.dispose]())
  await ports.refresh()
  return { ports, udp }
}

/** Limits of users who have none of their own. */
export const defaultsOf = ({ connections, associations }: SsNodeConfig): AccountDefaults => ({
  connections,
  associations,
})

const withDatagrams = (conns: OpenPort, datagrams: { close(): void } | undefined): OpenPort => ({
  address: conns.address,
  close: () => {
    conns.close()
    datagrams?.close()
  },
})

const settingsOf = ({ port, identityKey, insecureMethods }: SsNodeConfig): PlanSettings => ({
  sharedPort: port,
  serverKeys: new Map(identityKey.map((each) => [each.port, each.key])),
  insecureMethods,
})

const ALL_OF_IPV4 = '0.0.0.0'
/** How the system says that it has no IPv6. */
const NO_IPV6 = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL'])

type ListenPort = (port: number, handshake: Handshake, options: ListenerOptions) => Promise<OpenPort>

/** `::` is every address of both families, but on a machine without IPv6 nothing at all. */
const listenOn = (program: Program, host: string): ListenPort => {
  let at = host
  return async (port, handshake, options) => {
    const open = (): Promise<OpenPort> => program.listen('ss', { host: at, port }, handshake, options)
    try {
      return await open()
    } catch (error) {
      if (at !== '::' || !NO_IPV6.has(errnoOf(error))) throw error
      at = ALL_OF_IPV4
      return open()
    }
  }
}

/** Opens the door, and all by which its users come and are managed. */
export const openNode = async (program: Program, config: SsNodeConfig): Promise<OpenDoor> => {
  await openSources(program, config)
  // The store tells of its changes a moment later; who was read just now is to be served once we say we are ready.
  await program.directory.refresh()
  const door = await openDoor(program, config)
  await openRemote(program, config, remotePorts(door.ports, config))
  return door
}

/** The program with this one door, ready. */
export const serve = async (version: string, config: SsNodeConfig): Promise<Program> => {
  makeRoomForFiles()
  const program = await Program.start({
    app: 'ss-node',
    version,
    config,
    doors: DOORS,
    defaults: defaultsOf(config),
    env: sentryEnv(process.env),
  })
  try {
    await openNode(program, config)
    await program.ready()
    return program
  } catch (error) {
    await program.stop()
    throw error
  }
}

/** The name by which this program's operators know the variable. */
const sentryEnv = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...env,
  SENTRY_DSN: env['SENTRY_DSN'] || env['SS_SENTRY_DSN'],
})
