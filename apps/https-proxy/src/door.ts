import { randomBytes } from 'node:crypto'
import { checkOpen, ConfigError, openness, Program } from '@sluice/service'
import { type Address, formatAddress } from '@sluice/wire'
import { compatHandshake } from './compat/index.ts'
import type { HttpsProxyConfig } from './config.ts'
import { Connections } from './connections.ts'
import { Desk } from './desk.ts'
import { fittingConnections, readFdLimit } from './fd-limit.ts'
import { httpRefusal } from './refusal.ts'
import { type StatsReport } from './stats.ts'
import { plainTracer, type Tracer } from './trace.ts'
import { openOtlpTracer } from './trace-otlp.ts'
import { watchRequests } from './watching.ts'
import { WaysIn } from './ways-in.ts'

/** Names of the listeners. */
export const DOORS: readonly string[] = ['proxy', 'tls', 'compat']

const PROTOCOLS = ['h2', 'http/1.1'] as const

/** Where the listeners of this door ended up. */
export interface OpenDoor {
  readonly proxy: Address
  readonly tls: Address | undefined
  readonly compat: Address | undefined
  /** What became of its requests so far. */
  readonly report: () => StatsReport
}

export interface OpenOptions {
  /** Told by the API and to collectors. */
  readonly version?: string
  /** Where the ops endpoint tells of requests. @default /status */
  readonly status?: string
}

/**
 * Opens the door in a running program.
 * @throws ConfigError where it would listen beyond loopback for nobody, or files are of no use; the system's errors
 */
export const openDoor = async (
  program: Program,
  config: HttpsProxyConfig,
  { version = '', status = '/status' }: OpenOptions = {},
): Promise<OpenDoor> => {
  let live = config
  const isOpen = whoMayCome(program, config, () => live.proxyProtocol)
  const files = tlsFiles(config)
  const tracer = await openTracer(program, config, version)
  const connections = openConnections(program, config)
  const watching = watchRequests(program, config, DOORS, {
    ...{ connections, desk: () => desk },
    slots: () => live.slots,
    status,
  })
  const desk: Desk = new Desk(config, { program, tracer, watch: watching })
  const random = `sluice-${randomBytes(4).toString('hex')}`
  const ways = new WaysIn({ program, desk, tracer, isOpen, version, random }, config)
  program.onReload<HttpsProxyConfig>((next) => {
    const takeOver = desk.prepare(next)
    return () => {
      takeOver()
      live = next
      ways.set(next)
    }
  })
  program.beforeClose.push(async () => {
    ways.close()
    desk.close()
    await tracer.close()
  })
  // Nothing could be said before TLS is up, and that is what is to be saved.
  const tls =
    files &&
    (await program.listen('tls', config.tls!, connections.guard(ways.handshake('tls')), {
      tls: files,
      protocols: PROTOCOLS,
    }))
  const handshake = connections.guard(ways.handshake('proxy'), httpRefusal)
  const { address: proxy } = await program.listen('proxy', config.listen, handshake)
  const compat =
    config.compat &&
    (await program.listen('compat', config.compat, connections.guard(compatHandshake(ways.compat()))))
  return { proxy, tls: tls?.address, compat: compat?.address, report: () => watching.report() }
}

/** Whether who does not sign in is let in as the guest. */
const whoMayCome = (
  program: Program,
  { listen, tls, compat, open, proxyProtocol }: HttpsProxyConfig,
  balancers: () => readonly string[],
): (() => boolean) => {
  const listeners = Object.entries({ listen, tls, compat }).flatMap(([flag, address]) =>
    address === undefined ? [] : [{ address, written: `--${flag}: ${formatAddress(address)}` }],
  )
  checkOpen(program, { open, listeners, balancers: proxyProtocol })
  const addresses = listeners.map(({ address }) => address)
  const isOpen = openness(program, { open, listeners: addresses, balancers, code: 'AUTH_REQUIRED' })
  program.sessions.isOpen = isOpen
  return isOpen
}

const openTracer = async (
  { log }: Program,
  { otlp: url }: HttpsProxyConfig,
  version: string,
): Promise<Tracer> => {
  if (url === undefined) return plainTracer
  return openOtlpTracer({ url, version, onError: (err) => log.warn({ err }, 'trace.lost') })
}

/** As many connections as were asked for, or as the system lets a process have; in the latter case it says so. */
const openConnections = (program: Program, config: HttpsProxyConfig): Connections => {
  const limit = readFdLimit()
  const limitsOf = (of: HttpsProxyConfig): { most: number; from: readonly string[] } => {
    const most = fittingConnections(of, limit)
    if (most < of.maxConnections) {
      const { maxConnections: wanted, slots } = of
      program.log.warn({ limit, wanted, slots, connections: most }, 'limit.fds')
    }
    return { most, from: of.allowClient }
  }
  const connections = new Connections(program.sessions, limitsOf(config))
  program.onReload<HttpsProxyConfig>((next) => () => connections.set(limitsOf(next)))
  return connections
}

/** The files of the TLS listener, where there is to be one. */
const tlsFiles = ({
  tls,
  tlsCert: cert,
  tlsKey: key,
  tlsClientCa: clientCa,
}: HttpsProxyConfig): { cert: string; key: string; clientCa: string | undefined } | undefined => {
  if (tls === undefined) {
    if ((cert ?? key ?? clientCa) === undefined) return undefined
    throw new ConfigError('CONFIG_INVALID', '--tls is missing: there is no listener for the certificate')
  }
  if (cert !== undefined && key !== undefined) return { cert, key, clientCa }
  throw new ConfigError('CONFIG_INVALID', '--tls wants a certificate and its key: --tls-cert and --tls-key')
}

/** The program with this one door, ready. */
export const serve = async (version: string, config: HttpsProxyConfig): Promise<Program> => {
  const program = await Program.start({ app: 'https-proxy', version, config, doors: DOORS })
  try {
    await openDoor(program, config, { version })
    await program.ready()
    return program
  } catch (error) {
    await program.stop()
    throw error
  }
}
