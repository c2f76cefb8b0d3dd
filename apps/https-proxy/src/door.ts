import { randomBytes } from 'node:crypto'
import { checkOpen, ConfigError, type Handshake, openness, Program } from '@sluice/service'
import { Deadlines, type ForwardSettings } from '@sluice/service/http'
import { type Address, formatAddress } from '@sluice/wire'
import type { HttpsProxyConfig } from './config.ts'
import { Connections } from './connections.ts'
import { fittingConnections, readFdLimit } from './fd-limit.ts'
import { createHandshake } from './handshake.ts'
import { httpRefusal } from './refusal.ts'

/** Names of the listeners. */
export const DOORS: readonly string[] = ['proxy', 'tls', 'compat']

/** Where the listeners of this door ended up. */
export interface OpenDoor {
  readonly proxy: Address
  readonly tls: Address | undefined
  readonly compat: Address | undefined
}

/**
 * Opens the door in a running program.
 * @throws ConfigError where it would listen beyond loopback for nobody, or TLS lacks its files; the system's errors
 */
export const openDoor = async (program: Program, config: HttpsProxyConfig): Promise<OpenDoor> => {
  const isOpen = whoMayCome(program, config)
  const connections = openConnections(program, config)
  const handshake = liveHandshake(program, config, isOpen)
  const guarded = connections.guard(handshake, httpRefusal)
  const files = tlsFiles(config)
  // Nothing could be said before TLS is up, and that is what is to be saved.
  const tls =
    files && (await program.listen('tls', config.tls!, connections.guard(handshake), { tls: files }))
  const { address: proxy } = await program.listen('proxy', config.listen, guarded)
  return { proxy, tls: tls?.address, compat: undefined }
}

/** Whether who does not sign in is let in as the guest. */
const whoMayCome = (program: Program, { listen, tls, compat, open }: HttpsProxyConfig): (() => boolean) => {
  const wanted = { listen, tls, compat }
  const listeners = Object.entries(wanted).flatMap(([flag, address]) =>
    address === undefined ? [] : [{ address, written: `--${flag}: ${formatAddress(address)}` }],
  )
  checkOpen(program, { open, listeners })
  const addresses = listeners.map(({ address }) => address)
  const isOpen = openness(program, { open, listeners: addresses, code: 'AUTH_REQUIRED' })
  program.sessions.isOpen = isOpen
  return isOpen
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

/** That of the settings of now: what is changed holds for conns that come later. */
const liveHandshake = (program: Program, config: HttpsProxyConfig, isOpen: () => boolean): Handshake => {
  const random = `sluice-${randomBytes(4).toString('hex')}`
  const deadlines = new Deadlines()
  const made = (of: HttpsProxyConfig): Handshake => {
    const { handshakeMs: headMs, keepAliveMs, firstByteMs, requestMs, via = random } = of
    const responseMs = firstByteMs ?? requestMs
    const forward: ForwardSettings = { via, headMs, keepAliveMs, responseMs, deadlines }
    return createHandshake({ forward, isOpen, api: undefined, http2: undefined })
  }
  let handshake = made(config)
  program.onReload<HttpsProxyConfig>((next) => {
    const fresh = made(next)
    return () => {
      handshake = fresh
    }
  })
  return (reader, directory) => handshake(reader, directory)
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
    await openDoor(program, config)
    await program.ready()
    return program
  } catch (error) {
    await program.stop()
    throw error
  }
}
