import { join } from 'node:path'
import { accepting, freePort, launch, untilReady } from '../process.ts'
import { checkInstalled, debianVersion, type Peer } from './peer.ts'
import { secretOf } from './ss-secret.ts'

/** The server of shadowsocks-libev, in C with libsodium and mbed TLS, for TCP and UDP. It has no log and no limits. */
export const ssServer = (method: string): Peer => ({
  name: 'ss-server',
  mode: 'shadowsocks',
  login: `${method}:${secretOf(method)}`,
  check: () => checkInstalled('ss-server', 'shadowsocks-libev'),
  version: () => debianVersion('shadowsocks-libev'),
  async start({ dir }) {
    const port = await freePort()
    const args = ['-s', '127.0.0.1', '-p', String(port), '-k', secretOf(method), '-m', method, '-u']
    const program = launch('ss-server', args, join(dir, 'ss-server.log'))
    return { program, port: await untilReady(program, () => accepting(port)) }
  },
})
