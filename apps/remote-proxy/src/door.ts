import { randomBytes } from 'node:crypto'
import { checkOpen, ConfigError, type Handshake, Program } from '@sluice/service'
import { Deadlines } from '@sluice/service/http'
import { type Address, formatAddress } from '@sluice/wire'
import { BindPlaces } from './bind.ts'
import type { RemoteProxyConfig } from './config.ts'
import { createHandshake } from './handshake.ts'
import { socksCommands } from './socks-config.ts'

/** Names of the listeners. */
export const DOORS: readonly string[] = ['http', 'socks', 'tls']

/** Where the listeners of this door ended up. */
export interface OpenDoor {
  readonly http: Address
  readonly socks: Address
  readonly tls: Address | undefined
}

/**
 * Opens the door in a running program.
 * @throws ConfigError where it would listen beyond loopback for nobody, or TLS lacks its files
 */
export const openDoor = async (program: Program, config: RemoteProxyConfig): Promise<OpenDoor> => {
  const wanted = [config.http, config.socks, config.tls].filter((listener) => listener !== undefined)
  const listeners = wanted.map((address) => ({ address, written: formatAddress(address) }))
  checkOpen(program, { open: config.open, listeners })
  const handshake = liveHandshake(program, config)
  const tls = await listenSecurely(program, config, handshake)
  const { address: http } = await program.listen('http', config.http, handshake)
  const { address: socks } = await program.listen('socks', config.socks, handshake)
  return { http, socks, tls }
}

/** That of the settings of now: what is changed holds for conns that come later. */
const liveHandshake = (program: Program, config: RemoteProxyConfig): Handshake => {
  const random = `sluice-${randomBytes(4).toString('hex')}`
  const deadlines = new Deadlines()
  const places = new BindPlaces()
  const made = (of: RemoteProxyConfig): Handshake => {
    const { handshakeMs: headMs, keepAliveMs, responseMs, via = random } = of
    const forward = { via, headMs, keepAliveMs, responseMs, deadlines }
    return createHandshake({ socks: socksCommands(of, program.locate, places), forward })
  }
  let handshake = made(config)
  program.onReload<RemoteProxyConfig>((next) => {
    const fresh = made(next)
    return () => {
      handshake = fresh
      program.directory.setDefaults({ total: next.limit, burst: next.capacity })
    }
  })
  return (reader, directory) => handshake(reader, directory)
}

/** First of all, so that nothing is open yet where its files are of no use. */
const listenSecurely = async (
  program: Program,
  { tls, tlsCert: cert, tlsKey: key, tlsClientCa: clientCa }: RemoteProxyConfig,
  handshake: Handshake,
): Promise<Address | undefined> => {
  if (tls === undefined) {
    if ((cert ?? key ?? clientCa) === undefined) return undefined
    throw new ConfigError('CONFIG_INVALID', '--tls is missing: there is no listener for the certificate')
  }
  if (cert !== undefined && key !== undefined) {
    const { address } = await program.listen('tls', tls, handshake, { tls: { cert, key, clientCa } })
    return address
  }
  throw new ConfigError('CONFIG_INVALID', '--tls wants a certificate and its key: --tls-cert and --tls-key')
}

/** The program with this one door, ready. */
export const serve = async (version: string, config: RemoteProxyConfig): Promise<Program> => {
  const program = await Program.start({
    app: 'remote-proxy',
    version,
    config,
    doors: DOORS,
    defaults: { total: config.limit, burst: config.capacity },
  })
  try {
    await openDoor(program, config)
    await program.ready()
    return program
  } catch (error) {
    await program.stop()
    throw error
  }
}
