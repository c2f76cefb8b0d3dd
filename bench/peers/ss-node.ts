import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { freePort, launch, untilReady } from '../process.ts'
import type { Peer } from './peer.ts'
import { secretOf } from './ss-secret.ts'
import { buildApp, doorPort, ROOT } from './sluice.ts'

const MAIN = join(ROOT, 'apps/ss-node/dist/main.mjs')

/** Our own ss-node, as it is built: one user on a port of its own, session log on, written to a file. */
export const ssNode = (method: string, name = 'sluice'): Peer => ({
  name,
  mode: 'shadowsocks',
  login: `${method}:${secretOf(method)}`,
  check: () => buildApp('ss-node'),
  version: () => execFileSync(process.execPath, [MAIN, '--version'], { encoding: 'utf8' }).trim(),
  async start({ dir, flags }) {
    const data = join(dir, `ss-node-${method}`)
    await addUser(data, method)
    const args = [MAIN, ...LISTEN, '--data', data, '--allow', '127.0.0.0/8', '--grace', '1', ...flags]
    const program = launch(process.execPath, args, join(dir, 'ss-node.log'))
    return { program, port: await untilReady(program, () => doorPort(program, 'ss')) }
  },
})

const LISTEN = ['--listen', '127.0.0.1', '--ops', '127.0.0.1:0']

const added = new Set<string>()

async function addUser(data: string, method: string): Promise<void> {
  if (added.has(data)) return
  const port = String(await freePort())
  const flags = [
    '--data',
    data,
    '--ss-port',
    port,
    '--ss-method',
    method,
    '--ss-secret-stdin',
    '--connections',
    '20000',
  ]
  execFileSync(process.execPath, [MAIN, 'user', 'add', 'bench', ...flags], {
    input: `${secretOf(method)}\n`,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  added.add(data)
}
