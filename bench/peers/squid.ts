import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accepting, freePort, launch, untilReady } from '../process.ts'
import { type Peer, checkInstalled, debianVersion } from './peer.ts'

/** Squid with one worker, no authentication, no cache and no log, all in its favour. */
function squidBy(mode: Peer['mode']): Peer {
  return {
    name: 'squid',
    mode,
    check: () => checkInstalled('squid', 'squid'),
    version: () => debianVersion('squid'),
    async start({ dir }) {
      const port = await freePort()
      const config = join(dir, 'squid.conf')
      writeFileSync(config, configure(dir, port))
      const program = launch('squid', ['-N', '-n', `bench${port}`, '-f', config], join(dir, 'squid.log'))
      return { program, port: await untilReady(program, () => accepting(port)) }
    },
  }
}

/** By CONNECT. */
export const squidConnect: Peer = squidBy('connect')
/** By plain requests, forwarded. */
export const squidHttp: Peer = squidBy('http')

const configure = (dir: string, port: number): string => `
http_port 127.0.0.1:${port}
http_access allow all
access_log none
cache_log /dev/null
cache_store_log none
cache deny all
cache_mem 0
icp_port 0
pinger_enable off
pid_filename ${join(dir, 'squid.pid')}
coredump_dir none
shutdown_lifetime 0 seconds
max_filedescriptors 20000
`
