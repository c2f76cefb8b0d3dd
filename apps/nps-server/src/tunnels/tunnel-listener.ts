import { straight } from '@sluice/net'
import type { CallerDial, Handshake, ListenerOptions, Program } from '@sluice/service'
import { type Address, formatAddress } from '@sluice/wire'
import type { NpsServerConfig } from '../config.ts'
import type { LiveTunnel, Registry } from '../registry.ts'
import { checkVisitor } from '../visitor-lists.ts'
import { dialAgent } from './agent-dial.ts'
import { Visit, type VisitParts } from './visit.ts'

/** What the listeners of all tunnels share. */
export interface TunnelParts extends VisitParts {
  readonly program: Pick<Program, 'listen' | 'datagrams'>
}

export interface TunnelPartsOptions {
  readonly program: Program
  readonly registry: Registry
  /** As it is now. */
  readonly config: () => NpsServerConfig
}

export const tunnelParts = ({ program, registry, config }: TunnelPartsOptions): TunnelParts => ({
  program,
  ownerOf: (client) => registry.ownerOf(client),
  dialMs: () => config().dialMs,
})

/** Opens a tunnel to its visitors. @throws the system's error */
export const openListener = (
  tunnel: LiveTunnel,
  address: Address,
  parts: TunnelParts,
): Promise<{ close(): void }> => {
  const options: ListenerOptions = {
    fields: { tunnel: tunnel.record.id },
    levels: () => tunnel.levels,
    dial: tunnelDial(tunnel, parts),
    mayReuse: () => true,
  }
  const handshake = checked(tunnel, visitHandshake(tunnel, parts))
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
      checkVisitor(reader.client.host, tunnel.client.record, tunnel.record)
    } catch (error) {
      reader.conn.reset()
      throw error
    }
    return handshake(reader, directory)
  }

/** Reads nothing: all that a visitor sends is for the target. */
const visitHandshake =
  (tunnel: LiveTunnel, parts: VisitParts): Handshake =>
  async ({ conn }) => {
    try {
      return new Visit(tunnel, conn, tunnel.record.mode, parts)
    } catch (error) {
      conn.reset()
      throw error
    }
  }
