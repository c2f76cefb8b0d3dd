import { checkOpen, ConfigError, isExposed, openness, Program } from '@sluice/service'
import type { RelayAddress } from '@sluice/wire/relay'
import { reachedAt, urlsOf } from './addresses.ts'
import { relayRoutes } from './admin-routes.ts'
import { BanFile } from './ban-file.ts'
import type { RelayConfig } from './config.ts'
import { openIdentity } from './identity.ts'
import { identityFile } from './identity-file.ts'
import { DOORS as NAMES, formatListenUrl, type ListenUrl } from './listen-url.ts'
import { mayCome } from './origins.ts'
import type { Presence } from './presence.ts'
import { RelayAdmin } from './relay-admin.ts'
import { RelayDoor } from './relay-door.ts'
import { relayReport } from './relay-status.ts'
import { openTls } from './relay-tls.ts'
import { TrafficMeter } from './traffic-meter.ts'
import { isBare, openChannel, transportsOf } from './transport.ts'

/** Names of the listeners. */
export const DOORS: readonly string[] = NAMES

export interface OpenRelay {
  readonly relay: RelayDoor
  /** Where they are. */
  readonly listeners: readonly ListenUrl[]
  /** How peers reach it, by transport. */
  readonly urls: () => Readonly<Record<string, string>>
}

export interface OpenOptions {
  /** Shared with other relays behind the same name. @default none: who is not here is nowhere */
  readonly presence?: Presence | undefined
  /** Told in `/status`. */
  readonly version?: string
}

/**
 * Opens the listeners of the relay in a running program.
 * @throws ConfigError where they lead beyond loopback and nobody has said that this is meant; the system's errors
 */
export const openDoor = async (
  program: Program,
  config: RelayConfig,
  { presence, version = '' }: OpenOptions = {},
): Promise<OpenRelay> => {
  checkPlain(config)
  let live = config
  const isOpen = whoMayCome(program, config, () => live.proxyProtocol)
  const file = identityFile(config)
  const identity = openIdentity(file)
  if (isExposed(file)) program.log.warn({ file }, 'identity.exposed')
  const tls = await openTls(program, config, identity)
  const listeners: ListenUrl[] = []
  const addresses = (): RelayAddress[] => reachedAt(live, listeners, identity.nodeId)
  const relay = new RelayDoor({ program, config, identity, presence, addresses, isOpen })
  program.onReload<RelayConfig>((next) => () => {
    live = next
    relay.set(next)
  })
  program.onStop(() => relay.drain())
  program.beforeClose.push(() => Promise.resolve(relay.stop()))
  showOps(program, relay, config, version)
  for (const { door, address } of config.listen) {
    const transports = transportsOf({ door, address }, config.plain)
    const channel = openChannel(transports, { tls, mayCome: (origin) => mayCome(live.origin)(origin) })
    const listener = await program.listen(door, address, relay.handshake(channel))
    listeners.push({ door, address: listener.address })
  }
  return { relay, listeners, urls: () => urlsOf(addresses()) }
}

/** Whether everybody comes in who proves to be anybody. */
const whoMayCome = (
  program: Program,
  { open, listen, proxyProtocol }: RelayConfig,
  balancers: () => readonly string[],
): (() => boolean) => {
  const listeners = listen.map((url) => ({
    address: url.address,
    written: `--listen: ${formatListenUrl(url)}`,
  }))
  checkOpen(program, { open, listeners, balancers: proxyProtocol, add: 'user add NAME --node-id ID' })
  const addresses = listen.map(({ address }) => address)
  return openness(program, { open, listeners: addresses, balancers, code: 'PEER_DENIED' })
}

const showOps = (
  program: Program,
  door: RelayDoor,
  { data, adminToken }: RelayConfig,
  version: string,
): void => {
  const bans = new BanFile(data)
  bans.load(door.bans)
  const meter = new TrafficMeter(() => relayedBy(program))
  program.onStop(() => meter.stop())
  const status = { door, version, meter, startedAt: performance.now() }
  const admin = new RelayAdmin(door, bans, (why) => program.setUnready(why))
  program.addRoutes(relayRoutes({ status: () => relayReport(status), admin, token: adminToken }))
}

const relayedBy = ({ metrics }: Program): number => {
  let bytes = 0
  for (const name of DOORS) {
    const { up, down } = metrics.door(name).bytes
    bytes += up + down
  }
  return bytes
}

const checkPlain = ({ listen, plain }: RelayConfig): void => {
  const far = listen.find(isBare)
  if (far === undefined || plain) return
  throw new ConfigError(
    'CONFIG_INVALID',
    `--listen: ${formatListenUrl(far)} is neither TLS nor loopback: take tls, wss or any, or give --plain`,
  )
}

/** The program with this one door, ready. */
export const serve = async (version: string, config: RelayConfig): Promise<Program> => {
  const program = await Program.start({ app: 'relay', version, config, doors: DOORS, circuits: true })
  try {
    await openDoor(program, config, { version })
    await program.ready()
    return program
  } catch (error) {
    await program.stop()
    throw error
  }
}
