import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accepting, freePort, launch, untilReady } from '../process.ts'
import { type Peer, findProgram } from './peer.ts'

const NAME = 'bench'
const PASSWORD = 'correct-horse'

/** 3proxy with its one user, a thread a connection, no log. Debian has no package of it. */
function threeproxyBy(mode: 'socks5' | 'connect', service: 'socks' | 'proxy'): Peer {
  return {
    name: '3proxy',
    mode,
    login: `${NAME}:${PASSWORD}`,
    optional: true,
    check,
    version,
    async start({ dir }) {
      const port = await freePort()
      const config = join(dir, '3proxy.cfg')
      writeFileSync(config, configure(service, port))
      const program = launch('3proxy', [config], join(dir, '3proxy.log'))
      return { program, port: await untilReady(program, () => accepting(port)) }
    },
  }
}

function check(): void {
  if (findProgram('3proxy') === undefined) throw new Error('Debian has no package of it: build it, into PATH')
}

/** It tells its version nowhere but in what it serves, so it is read out of the program. */
function version(): string {
  const program = readFileSync(findProgram('3proxy') ?? '', 'latin1')
  return /3proxy-(\d[\d.]*)/.exec(program)?.[1] ?? 'unknown'
}

/** By SOCKS5. */
export const threeproxySocks: Peer = threeproxyBy('socks5', 'socks')
/** By CONNECT. */
export const threeproxyConnect: Peer = threeproxyBy('connect', 'proxy')

const configure = (service: string, port: number): string => `
maxconn 20000
users ${NAME}:CL:${PASSWORD}
auth strong
allow ${NAME}
${service} -i127.0.0.1 -p${port}
`
