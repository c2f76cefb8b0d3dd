import { join } from 'node:path'
import { LOAD_CORE, accepting, freePort, launch, type Program, untilReady } from '../process.ts'
import { checkInstalled, type Peer } from './peer.ts'

/** A Shadowsocks server, by the client of shadowsocks-libev, which asks for no password. Only the server is measured. */
export const bySsLocal = (server: Peer): Peer => ({
  name: server.name,
  mode: 'socks5',
  version: () => server.version(),
  check() {
    checkInstalled('ss-local', 'shadowsocks-libev')
    server.check()
  },
  async start(ground) {
    const { program, port } = await server.start(ground)
    try {
      const local = await startSsLocal(ground.dir, port, server.login ?? '')
      const stop = async (): Promise<void> => {
        await local.program.stop()
        await program.stop()
      }
      return { program: { ...program, stop }, port: local.port }
    } catch (error) {
      await program.stop()
      throw error
    }
  },
})

/** @param login `METHOD:SECRET` */
export async function startSsLocal(
  dir: string,
  server: number,
  login: string,
): Promise<{ program: Program; port: number }> {
  const port = await freePort()
  const [method = '', secret = ''] = login.split(':')
  const to = ['-s', '127.0.0.1', '-p', String(server), '-k', secret, '-m', method]
  const args = [...to, '-l', String(port), '--no-delay']
  const program = launch('ss-local', args, join(dir, 'ss-local.log'), LOAD_CORE)
  return { program, port: await untilReady(program, () => accepting(port)) }
}
