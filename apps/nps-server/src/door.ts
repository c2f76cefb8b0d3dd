import { mkdirSync } from 'node:fs'
import { ConfigError, isExposed, Program } from '@sluice/service'
import { type Address, formatAddress } from '@sluice/wire'
import { openAcme } from './acme/open-acme.ts'
import { openApi } from './api/index.ts'
import { bridgeIdentityFile, openBridge, openBridgeIdentity, openBridgeTls } from './bridge/index.ts'
import type { NpsServerConfig } from './config.ts'
import { Failovers } from './failovers.ts'
import { startHealthChecks } from './health/health-checks.ts'
import { openHosts } from './hosts/index.ts'
import { LiveRegistry } from './live-registry.ts'
import { makeEnrolment } from './make-enrolment.ts'
import { Manager, rememberBridge } from './manager.ts'
import { openNpcBridge } from './npc/bridge.ts'
import { recordsFile, RecordStore } from './store/record-store.ts'
import { showTunnels } from './tunnel-metrics.ts'
import { secretVisits } from './tunnels/secret-visits.ts'
import { openTunnels } from './tunnels/tunnels.ts'

/** Names of the listeners. */
export const DOORS: readonly string[] = ['bridge', 'npc-bridge', 'http', 'https', 'web', 'tunnel']

export interface OpenDoor {
  /** Where the listeners ended up. */
  readonly bridge: Address
  readonly npcBridge: Address | undefined
  readonly http: Address | undefined
  readonly https: Address | undefined
  readonly web: Address | undefined
  readonly manager: Manager
  readonly registry: LiveRegistry
}

export interface OpenOptions {
  /** Told by the API. */
  readonly version?: string
}

/**
 * Opens the bridge, what else is wanted, and all tunnels in a running program.
 * @throws ConfigError where files are of no use or only half of a pair is given; StoreError; the system's errors
 */
export const openDoor = async (
  program: Program,
  config: NpsServerConfig,
  { version = '' }: OpenOptions = {},
): Promise<OpenDoor> => {
  checkPairs(config)
  mkdirSync(config.data, { recursive: true, mode: 0o700 })
  const identity = openBridgeIdentity(config)
  const file = bridgeIdentityFile(config)
  if (isExposed(file)) program.log.warn({ file }, 'identity.exposed')
  const tls = await openBridgeTls(program, config)
  const { store, registry } = openRecords(program, config)
  const failovers = new Failovers(program.log)
  showTunnels(program.metrics, registry, failovers)
  const manager = openManager(program, config, store)
  const shared = { program, config, registry, failovers }
  const tunnels = await openTunnels(shared)
  startHealthChecks(shared)
  const onVisit = secretVisits({ ...shared, tunnels })
  const { address: bridge } = await openBridge({ ...shared, identity, onVisit, tls })
  rememberBridge(store, formatAddress(bridge))
  const npcBridge = config.npcBridge && (await openNpcBridge(shared))
  const acme = openAcme(shared)
  const { http, https } = await openHosts({ ...shared, acme })
  acme.start()
  const web = await openApi({ ...shared, store, manager, version })
  return {
    bridge,
    npcBridge: npcBridge?.address,
    http: http?.address,
    https: https?.address,
    web: web?.address,
    manager,
    registry,
  }
}

const checkPairs = ({ http, https, httpsCert, httpsKey, acmeAgree }: NpsServerConfig): void => {
  if (acmeAgree && (http === undefined || https === undefined)) {
    throw new ConfigError('CONFIG_INVALID', '--acme-agree wants --http, where names are proven, and --https')
  }
  if ((httpsCert === undefined) !== (httpsKey === undefined)) {
    throw new ConfigError('CONFIG_INVALID', '--https-cert and --https-key want each other')
  }
  if (https !== undefined || httpsCert === undefined) return
  throw new ConfigError('CONFIG_INVALID', '--https is missing: there is no listener for the certificate')
}

/** Whoever waits for another program's lock keeps all traffic waiting: what was counted is booked half a second later. */
const BUSY_MS = 50

const openRecords = (
  program: Program,
  { data }: NpsServerConfig,
): { store: RecordStore; registry: LiveRegistry } => {
  const { directory, log } = program
  const store = RecordStore.open(recordsFile(data), { busyMs: BUSY_MS })
  const registry = new LiveRegistry({ store, directory, log })
  program.beforeClose.push(async () => {
    await registry.stop()
    store.close()
  })
  registry.start()
  return { store, registry }
}

const openManager = (program: Program, config: NpsServerConfig, store: RecordStore): Manager => {
  let { ports } = config
  program.onReload<NpsServerConfig>((next) => () => void ({ ports } = next))
  return new Manager({
    store,
    userIdOf: async (name) => {
      // It follows the store, some time behind: who was added a moment ago is to be found, too.
      await program.directory.refresh()
      return program.directory.byName(name)?.user.id
    },
    ports: () => ports,
    enrol: () => makeEnrolment(config.data),
  })
}

/** The program with this one door, ready. */
export const serve = async (version: string, config: NpsServerConfig): Promise<Program> => {
  const program = await Program.start({ app: 'nps-server', version, config, doors: DOORS })
  try {
    await openDoor(program, config, { version })
    await program.ready()
    return program
  } catch (error) {
    await program.stop()
    throw error
  }
}
