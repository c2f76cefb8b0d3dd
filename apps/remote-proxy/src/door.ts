import { isIP } from 'node:net'
import { ConfigError, Program } from '@sluice/service'
import type { Address } from '@sluice/wire'
import type { RemoteProxyConfig } from './config.ts'
import { handshake } from './handshake.ts'

/** Where the two listeners of this door ended up. */
export interface OpenDoor {
  readonly http: Address
  readonly socks: Address
}

const isLoopback = ({ host }: Address): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

/**
 * Opens the door in a running program.
 * @throws ConfigError where it would listen beyond loopback for nobody
 */
export const openDoor = async (program: Program, config: RemoteProxyConfig): Promise<OpenDoor> => {
  const open = [config.http, config.socks].find((listener) => !isLoopback(listener))
  if (open !== undefined && program.directory.size === 0 && !config.open) {
    throw new ConfigError(
      'CONFIG_INVALID',
      `${open.host}:${open.port} is not loopback and there is no user: add one with "user add NAME", or give --open`,
    )
  }
  const http = await program.listen('http', config.http, handshake)
  const socks = await program.listen('socks', config.socks, handshake)
  return { http, socks }
}

/** The program with this one door, ready. */
export const serve = async (version: string, config: RemoteProxyConfig): Promise<Program> => {
  const program = await Program.start({
    app: 'remote-proxy',
    version,
    config,
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
