import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { type Program, launch, untilReady } from '../process.ts'
import type { Peer } from './peer.ts'

/** The repository. */
export const ROOT: string = join(import.meta.dirname, '../..')
const NX = join(ROOT, 'node_modules/.bin/nx')
const MAIN = join(ROOT, 'apps/remote-proxy/dist/main.mjs')
const PASSWORD = 'correct-horse'
const USER = 'bench'
const LOOPBACK = ['--socks', '127.0.0.1:0', '--http', '127.0.0.1:0', '--ops', '127.0.0.1:0']

/** Our own remote-proxy, as it is built: one user with a password, session log on, written to a file. */
function spoken(mode: Peer['mode'], door: 'socks' | 'http'): Peer {
  return {
    name: 'sluice',
    mode,
    login: `${USER}:${PASSWORD}`,
    check: () => buildApp('remote-proxy'),
    version: () => execFileSync(process.execPath, [MAIN, '--version'], { encoding: 'utf8' }).trim(),
    async start({ dir, flags }) {
      addUser(dir, USER)
      const args = [
        MAIN,
        ...LOOPBACK,
        '--data',
        dataDir(dir),
        '--allow',
        '127.0.0.0/8',
        '--grace',
        '1',
        ...flags,
      ]
      const program = launch(process.execPath, args, join(dir, 'sluice.log'))
      return { program, port: await untilReady(program, () => doorPort(program, door)) }
    },
  }
}

/** Builds one of our programs, so that nothing stale is measured. */
export function buildApp(name: string): void {
  execFileSync(NX, ['build', name], { cwd: ROOT, stdio: 'pipe' })
}

/** By SOCKS5. */
export const sluice: Peer = spoken('socks5', 'socks')
/** By CONNECT. */
export const sluiceConnect: Peer = spoken('connect', 'http')
/** By plain requests, forwarded. */
export const sluiceHttp: Peer = spoken('http', 'http')

const added = new Set<string>()

/** Adds a user to the data that ours is started on, once in a run; gives its `NAME:PASSWORD`. */
export function addUser(dir: string, name: string, flags: readonly string[] = []): string {
  const key = join(dir, name)
  if (!added.has(key)) {
    const args = [MAIN, 'user', 'add', name, '--data', dataDir(dir), '--password-stdin', ...flags]
    execFileSync(process.execPath, args, { input: `${PASSWORD}\n`, stdio: ['pipe', 'pipe', 'inherit'] })
    added.add(key)
  }
  return `${name}:${PASSWORD}`
}

const dataDir = (dir: string): string => join(dir, 'data')

interface LogLine {
  msg?: string
  door?: string
  port?: number
}

/** A door's port once the program has said that it is ready. */
export function doorPort(program: Program, door: string): number | undefined {
  const lines = program.output().split('\n').slice(0, -1).map(parse)
  if (!lines.some((line) => line.msg === 'ready')) return undefined
  return lines.find((line) => line.msg === 'listening' && line.door === door)?.port
}

function parse(line: string): LogLine {
  const value: LogLine = line.startsWith('{') ? JSON.parse(line) : {}
  return value
}
