import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accepting, freePort, launch, untilReady } from '../process.ts'
import { type Peer, checkInstalled, debianVersion } from './peer.ts'

/** Dante's SOCKS5 server. No authentication: its user/password method is PAM or the machine's own users. */
export const danted: Peer = {
  name: 'danted',
  mode: 'socks5',
  check: () => checkInstalled('danted', 'dante-server'),
  version: () => debianVersion('dante-server'),
  async start({ dir }) {
    const port = await freePort()
    const config = join(dir, 'danted.conf')
    writeFileSync(config, configure(port))
    const program = launch('danted', ['-f', config, '-p', join(dir, 'danted.pid')], join(dir, 'danted.log'))
    return { program, port: await untilReady(program, () => accepting(port)) }
  },
}

const configure = (port: number): string => `
logoutput: /dev/null
internal: 127.0.0.1 port = ${port}
external: 127.0.0.1
clientmethod: none
socksmethod: none
${process.getuid?.() === 0 ? 'user.unprivileged: nobody' : ''}
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
`
