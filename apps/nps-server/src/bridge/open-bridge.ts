import { createPrivateKey } from 'node:crypto'
import { createTlsContext, identityCertificate, type Listener, type TlsContext } from '@sluice/net'
import {
  type Handshake,
  type IdentityKey,
  type Program,
  type ProgramConfig,
  ServiceError,
  SignInGuard,
  signInLimits,
} from '@sluice/service'
import { type Address, formatAddress } from '@sluice/wire'
import { BRIDGE_ALPN } from '@sluice/wire/bridge'
import type { Registry } from '../registry.ts'
import { type AgentParts, AgentRequest } from './agent-request.ts'
import type { NativeAgent } from './native-agent.ts'
import type { OnVisit } from './own-streams.ts'
import { serverLogin } from './server-login.ts'

type Limits = Pick<ProgramConfig, 'authFailures' | 'authBackoffMs'>

export interface BridgeConfig extends Limits {
  /** Where it listens. */
  readonly bridge: Address
  /** So long without a byte, a client program is taken to be gone. @default 15,000 */
  readonly deadMs?: number
  /** How many programs of one client may be connected at a time. @default 256 */
  readonly programs?: number
}

export interface BridgeOptions {
  readonly program: Pick<Program, 'listen' | 'log' | 'onReload' | 'onStop'>
  readonly config: BridgeConfig
  readonly registry: Registry
  /** Who the server proves to be; see `openBridgeIdentity`. */
  readonly identity: IdentityKey
  /** @default a certificate over the identity: clients trust that alone, whatever they are shown */
  readonly tls?: { readonly context: TlsContext } | undefined
  /** Takes client programs to secret tunnels. @default they are refused */
  readonly onVisit?: OnVisit | undefined
  /** How long a login that is of no use waits for its answer, ms. @default 1500, as the registry follows the store in 1 s */
  readonly patienceMs?: number
}

const DEAD_MS = 15_000
const PATIENCE_MS = 1500
const HEADER_MS = 10_000
const MAX_STREAMS = 4096
const MAX_PROGRAMS = 256
/** Of the time until a silent peer is dead: it is asked that often. */
const PINGS = 3

/** Opens the door for client programs of our own. @throws the system's error with which binding failed */
export const openBridge = (options: BridgeOptions): Promise<Listener> => {
  const { program, config, registry, identity, tls = certificateOf(identity) } = options
  const agents = new Map<string, NativeAgent>()
  const guard = new SignInGuard(signInLimits(config))
  program.onReload<ProgramConfig>((next) => () => guard.set(signInLimits(next)))
  const following = registry.watch(() => dismiss(agents.values(), registry))
  program.onStop(() => following[Symbol.dispose]())
  const { patienceMs = PATIENCE_MS } = options
  const login = { identity, registry, guard, patienceMs, now: Date.now }
  const parts = agentParts(options, agents)
  const handshake: Handshake = async (reader) =>
    new AgentRequest(parts, reader.conn, await serverLogin(reader, login))
  return program.listen('bridge', config.bridge, handshake, { tls, protocols: [BRIDGE_ALPN] })
}

const certificateOf = ({ privateKeyPem }: IdentityKey): { context: TlsContext } => ({
  context: createTlsContext(identityCertificate(createPrivateKey(privateKeyPem))),
})

const agentParts = (
  { program: { log }, config, registry, onVisit }: BridgeOptions,
  agents: Map<string, NativeAgent>,
): AgentParts => {
  const { deadMs = DEAD_MS, programs: maxPrograms = MAX_PROGRAMS } = config
  return {
    ...{ registry, agents, onVisit, deadMs, maxPrograms },
    headerMs: HEADER_MS,
    maxStreams: MAX_STREAMS,
    pingMs: Math.ceil(deadMs / PINGS),
    now: Date.now,
    onChange: (event, { clientId, kind, info, remote, version }, error) =>
      // Who only asks or visits takes nobody: its session's line is all that there is to say.
      log[info.role === 'serve' ? 'info' : 'debug'](
        {
          ...{ client: clientId, kind, agent: formatAddress(remote), version, host: info.host },
          why: error?.message,
        },
        event,
      ),
  }
}

/** Ends those whose client has gone, is disabled, or has another key now. */
const dismiss = (agents: Iterable<NativeAgent>, { clients }: Registry): void => {
  for (const agent of agents) {
    const record = clients.get(agent.clientId)?.record
    if (record === undefined) agent.shut(new ServiceError('TUNNEL_REMOVED'))
    else if (record.publicKey !== agent.publicKey) agent.shut(new ServiceError('CREDENTIAL_CHANGED'))
    else if (!record.enabled) agent.shut(new ServiceError('USER_DISABLED'))
  }
}
