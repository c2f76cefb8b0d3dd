import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { freePort, launch, type Program, untilReady } from '../process.ts'
import type { Peer } from './peer.ts'
import { secretOf } from './ss-secret.ts'
import { buildApp, doorPort, ROOT } from './sluice.ts'

const MAIN = join(ROOT, 'apps/ss-node/dist/main.mjs')

interface NodeOptions {
  /** @default sluice */
  name?: string
  /** Flags of its user's limits. */
  limits?: readonly string[]
}

/** Our own ss-node, as it is built: one user on a port of its own, session log on, written to a file. */
export const ssNode = (method: string, { name = 'sluice', limits = [] }: NodeOptions = {}): Peer => ({
  name,
  mode: 'shadowsocks',
  login: `${method}:${secretOf(method)}`,
  check: () => buildApp('ss-node'),
  version: () => execFileSync(process.execPath, [MAIN, '--version'], { encoding: 'utf8' }).trim(),
  async start({ dir, flags }) {
    const data = join(dir, ['ss-node', method, ...limits].join(''))
    await addUser(data, method, limits)
    const program = launchNode(dir, data, flags)
    return { program, port: await untilReady(program, () => doorPort(program, 'ss')) }
  },
})

const LISTEN = ['--listen', '127.0.0.1', '--ops', '127.0.0.1:0']

/** @param data where it keeps its users */
export function launchNode(dir: string, data: string, flags: readonly string[]): Program {
  const args = [MAIN, ...LISTEN, '--data', data, '--allow', '127.0.0.0/8', '--grace', '1', ...flags]
  return launch(process.execPath, args, join(dir, 'ss-node.log'))
}

const added = new Set<string>()

async function addUser(data: string, method: string, limits: readonly string[]): Promise<void> {
  if (added.has(data)) return
  const port = String(await freePort())
  const place = ['--data', data, '--ss-port', port, '--ss-method', method, '--ss-secret-stdin']
  const args = [MAIN, 'user', 'add', 'bench', ...place, '--connections', '20000', ...limits]
  execFileSync(process.execPath, args, {
    input: `${secretOf(method)}\n`,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  added.add(data)
}
