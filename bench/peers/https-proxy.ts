import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { launch, untilReady } from '../process.ts'
import { certificate } from './https-origin.ts'
import type { Peer } from './peer.ts'
import { buildApp, doorPort, ROOT } from './sluice.ts'

const MAIN = join(ROOT, 'apps/https-proxy/dist/main.mjs')
const PASSWORD = 'correct-horse'

/** Ways into https-proxy, as the load calls them. */
export type Way = 'compat' | 'api' | 'http'

/** Our own https-proxy, as it is built: open, certificates checked against the origin's authority, log in a file. */
export const httpsProxy = (
  way: Way,
  {
    flags = [],
    users = [],
    name = 'sluice',
  }: { flags?: readonly string[]; users?: readonly string[]; name?: string } = {},
): Peer => ({
  name,
  mode: way,
  ...(users[0] !== undefined && { login: loginOf(users[0]) }),
  check: () => buildApp('https-proxy'),
  version: () => execFileSync(process.execPath, [MAIN, '--version'], { encoding: 'utf8' }).trim(),
  async start({ dir, flags: more }) {
    const data = mkdtempSync(join(dir, 'https-proxy-'))
    for (const user of users) addUser(data, user)
    const doors = ['--listen', '127.0.0.1:0', '--compat', '127.0.0.1:0', '--ops', '127.0.0.1:0']
    const origin = ['--allow', '127.0.0.0/8', '--origin-ca', certificate(dir).ca]
    const args = [MAIN, ...doors, ...origin, '--data', data, '--open', '--grace', '0', ...flags, ...more]
    const program = launch(process.execPath, args, join(data, 'program.log'))
    const door = way === 'compat' ? 'compat' : 'proxy'
    return { program, port: await untilReady(program, () => doorPort(program, door)) }
  },
})

/** `NAME:PASSWORD` of a user that {@link httpsProxy} was given. */
export const loginOf = (name: string): string => `${name}:${PASSWORD}`

function addUser(data: string, name: string): void {
  const args = [MAIN, 'user', 'add', name, '--data', data, '--password-stdin']
  execFileSync(process.execPath, args, { input: `${PASSWORD}\n`, stdio: ['pipe', 'pipe', 'inherit'] })
}
