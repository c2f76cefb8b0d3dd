import { ConfigError, Program } from '@sluice/service'
import type { RelayAddress } from '@sluice/wire/relay'
import { reachedAt } from './addresses.ts'
import type { RelayConfig } from './config.ts'
import { openIdentity } from './identity.ts'
import { identityFile } from './identity-file.ts'
import { DOORS as NAMES, formatListenUrl, type ListenUrl } from './listen-url.ts'
import { isLoopback } from './loopback.ts'
import { relayRoutes } from './admin-routes.ts'
import { BanFile } from './ban-file.ts'
import type { Presence } from './presence.ts'
import { RelayAdmin } from './relay-admin.ts'
import { relayReport } from './relay-status.ts'
import { TrafficMeter } from './traffic-meter.ts'
import { plainChannel, RelayDoor } from './relay-door.ts'

/** Names of the listeners. */
export const DOORS: readonly string[] = NAMES

const PLAIN = new Set(['tcp', 'ws', 'any'])

export interface OpenRelay {
  readonly relay: RelayDoor
  /** Where they are. */
  readonly listeners: readonly ListenUrl[]
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
  checkOpen(program, config)
  const isLocal = config.listen.every(({ address }) => isLoopback(address))
  const isOpen = (): boolean => config.open || (isLocal && program.directory.size === 0)
  const identity = openIdentity(identityFile(config))
  const listeners: ListenUrl[] = []
  let { advertise } = config
  const addresses = (): RelayAddress[] => reachedAt({ advertise }, listeners, identity.nodeId)
  const relay = new RelayDoor({ program, config, identity, isOpen, addresses, presence })
  program.onReload<RelayConfig>((next) => () => {
    advertise = next.advertise
    relay.set(next)
  })
  program.onStop(() => relay.drain())
  program.beforeClose.push(() => Promise.resolve(relay.stop()))
  const bans = new BanFile(config.data)
  bans.load(relay.bans)
  const meter = new TrafficMeter(() => relayedBy(program))
  program.onStop(() => meter.stop())
  const status = { door: relay, version, meter, startedAt: performance.now() }
  program.addRoutes(
    relayRoutes({
      status: () => relayReport(status),
      admin: new RelayAdmin(relay, bans),
      token: config.adminToken,
    }),
  )
  for (const { door, address } of config.listen) {
    const listener = await program.listen(door, address, relay.handshake(plainChannel))
    listeners.push({ door, address: listener.address })
  }
  return { relay, listeners }
}

const relayedBy = ({ metrics }: Program): number => {
  let bytes = 0
  for (const name of DOORS) {
    const { up, down } = metrics.door(name).bytes
    bytes += up + down
  }
  return bytes
}

/** `any` speaks TLS too, but whoever does not is let in as well. */
const checkPlain = ({ listen, plain }: RelayConfig): void => {
  const far = listen.find(({ door, address }) => PLAIN.has(door) && !isLoopback(address))
  if (far === undefined || plain) return
  throw new ConfigError(
    'CONFIG_INVALID',
    `--listen: ${formatListenUrl(far)} is neither TLS nor loopback: take tls or wss, or give --plain`,
  )
}

const checkOpen = (program: Program, { listen, open }: RelayConfig): void => {
  const far: ListenUrl | undefined = listen.find(({ address }) => !isLoopback(address))
  if (far === undefined || open || program.directory.size > 0) return
  throw new ConfigError(
    'CONFIG_INVALID',
    `--listen: ${formatListenUrl(far)} is not loopback and there is no user: add one with "user add NAME --node-id ID", or give --open`,
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
