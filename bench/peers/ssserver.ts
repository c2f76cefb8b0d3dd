import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { accepting, freePort, launch, untilReady } from '../process.ts'
import { findProgram, type Peer } from './peer.ts'
import { secretOf } from './ss-secret.ts'

const COMMAND = 'ssserver'

/** The server of shadowsocks-rust, for TCP and UDP, as it comes: on the one core it has one worker thread. */
export const ssserver = (method: string): Peer => ({
  name: 'shadowsocks-rust',
  mode: 'shadowsocks',
  login: `${method}:${secretOf(method)}`,
  optional: true,
  check() {
    if (findProgram(COMMAND) === undefined)
      throw new Error('ssserver is not in PATH: cargo install shadowsocks-rust')
  },
  version: () => execFileSync(findProgram(COMMAND) ?? COMMAND, ['--version'], { encoding: 'utf8' }).trim(),
  async start({ dir }) {
    const port = await freePort()
    const args = ['-s', `127.0.0.1:${port}`, '-k', secretOf(method), '-m', method, '-U']
    const program = launch(COMMAND, args, join(dir, 'ssserver.log'))
    return { program, port: await untilReady(program, () => accepting(port)) }
  },
})
