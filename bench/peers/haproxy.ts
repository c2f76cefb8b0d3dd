import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accepting, freePort, launch, untilReady } from '../process.ts'
import { type Peer, checkInstalled, debianVersion } from './peer.ts'

/** haproxy as a plain TCP relay to the origin: no SOCKS5, no users; one thread, default buffers, no log. */
export const haproxy: Peer = haproxyWith('haproxy', 'maxconn 9600', '')

/** The same at its best: bytes stay in the kernel, in pipes of 1 MiB. Pipes are files too, so fewer connections. */
export const haproxySplice: Peer = haproxyWith(
  'haproxy-splice',
  'maxconn 1000\n  tune.pipesize 1048576',
  'option splice-auto',
)

function haproxyWith(name: string, global: string, defaults: string): Peer {
  return {
    name,
    mode: 'raw',
    check: () => checkInstalled('haproxy', 'haproxy'),
    version: () => debianVersion('haproxy'),
    async start({ dir, originPort }) {
      const port = await freePort()
      const config = join(dir, `${name}.cfg`)
      writeFileSync(config, configure(global, defaults, port, originPort))
      const program = launch('haproxy', ['-db', '-f', config], join(dir, 'haproxy.log'))
      return { program, port: await untilReady(program, () => accepting(port)) }
    },
  }
}

const configure = (global: string, defaults: string, port: number, originPort: number): string => `
global
  nbthread 1
  ${global}
defaults
  mode tcp
  timeout connect 5s
  timeout client 5m
  timeout server 5m
  ${defaults}
listen relay
  bind 127.0.0.1:${port}
  server origin 127.0.0.1:${originPort}
`
