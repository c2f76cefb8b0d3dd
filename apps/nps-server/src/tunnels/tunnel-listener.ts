import { randomBytes } from 'node:crypto'
import { straight } from '@sluice/net'
import type { Clock } from '@sluice/ratelimit'
import {
  type CallerDial,
  type Handshake,
  type ListenerOptions,
  type Program,
  Seldom,
  signInLimits,
} from '@sluice/service'
import { Deadlines } from '@sluice/service/http'
import { type Address, formatAddress } from '@sluice/wire'
import type { NpsServerConfig } from '../config.ts'
import type { Failovers } from '../failovers.ts'
import type { LiveTunnel, Registry } from '../registry.ts'
import { checkMayVisit } from '../visitor-lists.ts'
import { dialAgent } from './agent-dial.ts'
import { ProxyLogins } from './proxy-logins.ts'
import { proxyHandshake, type ProxyParts } from './proxy-handshake.ts'
import { isProxy } from './tunnel-place.ts'
import { visit, type VisitParts } from './visit.ts'
import { Visitors, type VisitorsParts } from './visitors.ts'

/** What the listeners of all tunnels share. */
export interface TunnelParts extends ProxyParts, VisitorsParts {
  readonly program: Pick<Program, 'listen' | 'datagrams'>
}

export interface TunnelPartsOptions {
  readonly program: Program
  readonly registry: Registry
  readonly clock: Clock
  /** As it is now. */
  readonly config: () => NpsServerConfig
  readonly failovers: Failovers
}

const SELDOM_MS = 60_000

export const tunnelParts = ({
  program,
  registry,
  clock,
  config,
  failovers,
}: TunnelPartsOptions): TunnelParts => {
  const via = `sluice-${randomBytes(4).toString('hex')}`
  const deadlines = new Deadlines()
  const seldom = new Seldom(SELDOM_MS)
  const ownerOf: VisitParts['ownerOf'] = (client) => registry.ownerOf(client)
  return {
    program,
    ownerOf,
    failovers,
    log: program.log,
    clock,
    dialMs: () => config().dialMs,
    udpIdleMs: () => config().udpIdleMs,
    isDue: (what) => seldom.due(what),
    logins: new ProxyLogins(ownerOf, signInLimits(config())),
    forward: () => {
      const { handshakeMs: headMs, keepAliveMs, responseMs } = config()
      return { via, headMs, keepAliveMs, responseMs, deadlines }
    },
  }
}

/** Opens a tunnel to its visitors. @throws the system's error */
export const openListener = (
  tunnel: LiveTunnel,
  address: Address,
  parts: TunnelParts,
): Promise<{ close(): void }> => {
  const { mode } = tunnel.record
  if (mode === 'udp') return Visitors.open(tunnel, address, parts)
  const options: ListenerOptions = {
    fields: tunnel.fields,
    levels: () => tunnel.levels,
    dial: tunnelDial(tunnel, parts),
    mayReuse: () => true,
  }
  const handshake = isProxy(tunnel)
    ? checked(tunnel, proxyHandshake(tunnel, parts))
    : visitHandshake(tunnel, parts)
  return parts.program.listen('tunnel', address, handshake, options)
}
/** To wherever the visitor asks for, through a program of the client. */
const tunnelDial =
  ({ client }: LiveTunnel, { dialMs }: VisitParts): CallerDial =>
  async (target, signal, { client: visitor }) => {
    const link = { target: formatAddress(target), visitor }
    const until = { signal, ms: dialMs() }
    return straight(await dialAgent(client, until, (agent, waiting) => agent.open(link, waiting)))
  }

/** The lists of visitors go before everything else, and there are no words for whom they keep out. */
const checked =
  (tunnel: LiveTunnel, handshake: Handshake): Handshake =>
  async (reader, directory) => {
    try {
      checkMayVisit(reader.client.host, tunnel)
    } catch (error) {
      reader.conn.reset()
      throw error
    }
    return handshake(reader, directory)
  }

/** Reads nothing. */
const visitHandshake =
  (tunnel: LiveTunnel, parts: VisitParts): Handshake =>
  async ({ conn, client: visitor }) =>
    visit(tunnel, { conn, visitor, protocol: tunnel.record.mode }, parts)
