import { generateKeyPairSync } from 'node:crypto'
import { createTlsContext, identityCertificate, type Listener, type TlsContext } from '@sluice/net'
import {
  type Account,
  type Program,
  type Request,
  type ServedRequest,
  ServiceError,
  SignInGuard,
  signInLimits,
} from '@sluice/service'
import type { NpsServerConfig } from '../config.ts'
import { Failovers } from '../failovers.ts'
import { Repeats } from '../repeats.ts'
import type { TunnelMode } from '../records.ts'
import type { LiveTunnel, Registry } from '../registry.ts'
import { hashOfMd5 } from '../secret-hash.ts'
import { visit } from '../tunnels/visit.ts'
import { checkMayVisit } from '../visitor-lists.ts'
import { NpcCarrier } from './carrier.ts'
import { NpcConf } from './conf-conn.ts'
import { createNpcHandshake, type NpcArrival } from './handshake.ts'
import { NpcMain } from './main-conn.ts'
import { NpcMeetings } from './meetings.ts'
import { PeerVisit } from './peer-visit.ts'
import { NpcPlaces } from './places.ts'
import { NpcRegister } from './register.ts'

export interface NpcBridgeOptions {
  readonly program: Program
  /** With an address of the bridge. */
  readonly config: NpsServerConfig
  readonly registry: Registry
  /** How long a program may have only one of its two conns, ms. @default 15 s */
  readonly patienceMs?: number
  /** For all that a program brings of its own, ms. @default 30 s */
  readonly confMs?: number
  /** @default its own */
  readonly failovers?: Failovers
}

const PATIENCE_MS = 15_000
/** How often the same refusal is told of. */
const REPEAT_MS = 3_600_000
const CONF_MS = 30_000

/**
 * Opens the door for npc, core version 0.26.0. Its protocol has no server authentication, shows keys and passwords as MD5 that
 * serve for ever, and is in clear unless it is inside of TLS: none of that can be mended here.
 * @throws the system's error
 */
export const openNpcBridge = async (options: NpcBridgeOptions): Promise<Listener> => {
  const { program, config, registry } = options
  const { address, tls } = config.npcBridge!
  const { privateKey } = generateKeyPairSync('ed25519')
  const context = createTlsContext(identityCertificate(privateKey))
  const guard = new SignInGuard(signInLimits(config))
  let live = config
  program.onReload<NpsServerConfig>((next) => () => {
    live = next
    guard.set(signInLimits(next))
  })
  const meetings = config.p2p && (await NpcMeetings.open({ program, address: config.p2p }))
  const bridge = new NpcBridge(options, { context, guard, meetings, config: () => live })
  const handshake = createNpcHandshake({ registry, guard, requestOf: (arrival) => bridge.requestOf(arrival) })
  const listener = await program.listen('npc-bridge', address, handshake, tls ? { tls: { context } } : {})
  program.log.warn({ door: 'npc-bridge', tls, why: WHY }, 'protocol.weak')
  program.beforeClose.push(async () => bridge.close())
  return listener
}

/** Programs whose peers do not get through to each other come this way to tunnels of p2p. */
const PRIVATE: readonly TunnelMode[] = ['secret', 'p2p']
const WHY =
  'npc cannot tell who the server is, and its keys and passwords are MD5 that whoever hears them can use again'

interface NpcBridgeParts {
  readonly context: TlsContext
  readonly guard: SignInGuard
  /** None where peers are not to meet here. */
  readonly meetings: NpcMeetings | undefined
  readonly config: () => NpsServerConfig
}

class NpcBridge {
  readonly #options: NpcBridgeOptions
  readonly #parts: NpcBridgeParts
  readonly #places: NpcPlaces
  readonly #watching: Disposable
  readonly #failovers: Failovers
  readonly #repeats = new Repeats(REPEAT_MS)

  constructor(options: NpcBridgeOptions, parts: NpcBridgeParts) {
    const { program, registry, patienceMs = PATIENCE_MS } = options
    this.#options = options
    this.#parts = parts
    this.#places = new NpcPlaces({ registry, log: program.log, context: parts.context, patienceMs })
    this.#failovers = options.failovers ?? new Failovers(program.log)
    this.#watching = registry.watch(() => this.#places.check())
  }

  close(): void {
    this.#watching[Symbol.dispose]()
    this.#places.close()
  }

  /** @throws ServiceError */
  requestOf(arrival: NpcArrival): Request | ServedRequest {
    const { purpose } = arrival
    switch (purpose.type) {
      case 'main':
        return this.#main(arrival)
      case 'chan':
      case 'file':
        return this.#carrier(arrival, purpose.type)
      case 'conf':
        return this.#conf(arrival)
      case 'secret':
        return this.#secret(arrival, purpose.passwordMd5)
      case 'register':
        return new NpcRegister(arrival, purpose.hours, {
          account: this.#ownerOf(arrival),
          log: this.#options.program.log,
        })
      case 'p2p':
      default:
        return this.#peer(arrival, purpose.passwordMd5)
    }
  }

  #main(arrival: NpcArrival): NpcMain {
    const places = this.#places
    return new NpcMain(arrival, {
      account: this.#ownerOf(arrival),
      onServe: (main) => places.mainCame(main),
      onReport: (_, report) => places.reported(arrival, report),
      onShutdown: () => places.retire(arrival.client),
      onEnd: (main) => places.lost(arrival.client, main),
    })
  }

  #carrier(arrival: NpcArrival, type: 'chan' | 'file'): NpcCarrier {
    const places = this.#places
    return new NpcCarrier(arrival, {
      account: this.#ownerOf(arrival),
      deadMs: this.#parts.config().deadMs,
      onServe: (mux) => (type === 'chan' ? places.chanCame(arrival, mux) : places.fileCame(arrival, mux)),
      onShutdown: () => places.retire(arrival.client),
      onClose: (mux) => places.lost(arrival.client, mux),
    })
  }

  #conf(arrival: NpcArrival): NpcConf {
    const places = this.#places
    const { registry, program, confMs = CONF_MS } = this.#options
    return new NpcConf(arrival, {
      ...{ account: this.#ownerOf(arrival), registry, log: program.log, confMs },
      repeats: this.#repeats,
      rules: () => this.#parts.config(),
      lend: (client) => places.lend(client),
      lent: (client, loan) => places.lent(client, loan),
    })
  }

  /** @throws ServiceError AUTH_FAILED, VISITOR_DENIED; NetError DIAL_FAILED */
  #secret(arrival: NpcArrival, passwordMd5: string): Request {
    const tunnel = this.#privateTunnel(PRIVATE, arrival, passwordMd5)
    const visited = { conn: arrival.conn, visitor: arrival.from, protocol: 'npc-secret' }
    return visit(tunnel, visited, {
      ownerOf: (client) => this.#options.registry.ownerOf(client),
      dialMs: () => this.#parts.config().dialMs,
      failovers: this.#failovers,
    })
  }

  /** @throws ServiceError COMMAND_UNSUPPORTED, AUTH_FAILED, VISITOR_DENIED */
  #peer(arrival: NpcArrival, passwordMd5: string): ServedRequest {
    const { meetings } = this.#parts
    if (meetings === undefined) throw new ServiceError('COMMAND_UNSUPPORTED')
    const tunnel = this.#privateTunnel(['p2p'], arrival, passwordMd5)
    checkMayVisit(arrival.from.host, tunnel)
    const account = this.#options.registry.ownerOf(tunnel.client)
    return new PeerVisit(tunnel, arrival.conn, { account, meetings, passwordMd5 })
  }

  /** None is without a password, and no other tunnel has one. */
  #privateTunnel(modes: readonly TunnelMode[], { from }: NpcArrival, passwordMd5: string): LiveTunnel {
    const tunnel = this.#options.registry.byPasswordHash(hashOfMd5(passwordMd5))
    if (tunnel === undefined || !modes.includes(tunnel.record.mode)) {
      this.#parts.guard.failed(from.host, '')
      throw new ServiceError('AUTH_FAILED')
    }
    return tunnel
  }

  /** What a program does counts for none of the limits of its user, but it ends with the user. */
  #ownerOf({ client }: NpcArrival): Account {
    return this.#options.registry.ownerOf(client)
  }
}
