import { join } from 'node:path'
import { accepting, freePort, launch, untilReady } from '../process.ts'
import type { Peer } from './peer.ts'

/** What most proxies written for Node do: `a.pipe(b)`, on the same Node as ours. */
export const pipe: Peer = {
  name: 'node-pipe',
  mode: 'socks5',
  login: 'bench:any',
  check: () => undefined,
  version: () => `Node ${process.versions.node}`,
  async start({ dir }) {
    const port = await freePort()
    const script = join(import.meta.dirname, 'pipe-proxy.ts')
    const args = ['--disable-warning=ExperimentalWarning', script, String(port)]
    const program = launch(process.execPath, args, join(dir, 'pipe.log'))
    return { program, port: await untilReady(program, () => accepting(port)) }
  },
}
