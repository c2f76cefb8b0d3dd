import { join } from 'node:path'
import { accepting, freePort, launch, untilReady } from '../process.ts'
import { type Peer, checkInstalled, debianVersion } from './peer.ts'

const NAME = 'bench'
const PASSWORD = 'correct-horse'

/** A small SOCKS5 server in C, a thread a connection, with its one user; it writes a line a connection. */
export const microsocks: Peer = {
  name: 'microsocks',
  mode: 'socks5',
  login: `${NAME}:${PASSWORD}`,
  check: () => checkInstalled('microsocks', 'microsocks'),
  version: () => debianVersion('microsocks'),
  async start({ dir }) {
    const port = await freePort()
    const args = ['-i', '127.0.0.1', '-p', String(port), '-u', NAME, '-P', PASSWORD]
    const program = launch('microsocks', args, join(dir, 'microsocks.log'))
    return { program, port: await untilReady(program, () => accepting(port)) }
  },
}
