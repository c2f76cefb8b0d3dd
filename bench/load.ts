import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { LOAD_CORE, spawnOn } from './process.ts'

const SOURCE = join(import.meta.dirname, 'load/tcpload.c')
const CACHE = join(import.meta.dirname, '../node_modules/.cache/sluice-bench')

/** What tcpload is asked for; its head comment says what each means. */
export interface Load {
  op: 'down' | 'up' | 'both' | 'rr' | 'idle'
  conns: number
  /** `NAME:PASSWORD*CONNS,…`, instead of `conns` connections of the peer's one login. */
  users?: string
  secs?: number
  warm?: number
  hold?: number
  ramp?: number
  /** Send buffers of the origin and of the client; where a shaper is measured they must be small. */
  osnd?: number
  csnd?: number
}

export interface Direction {
  bytes: number
  /** Jain's index over the connections. */
  jain: number
  /** Bytes of the fullest and the emptiest 100 ms. */
  maxBucket: number
  minBucket: number
}

export interface LoadResult {
  seconds: number
  fails: number
  down: Direction
  up: Direction
  users: { name: string; conns: number; down: number; up: number }[]
  exchanges: { count: number; p50us: number; p99us: number }
}

const MARKS = ['START', 'BEGIN', 'READY', 'END'] as const
export type Mark = (typeof MARKS)[number]

/** Compiles the load generator where that was not done since it changed; gives the binary's path. */
export function buildLoad(): string {
  const binary = join(CACHE, 'tcpload')
  if (existsSync(binary) && statSync(binary).mtimeMs > statSync(SOURCE).mtimeMs) return binary
  mkdirSync(CACHE, { recursive: true })
  execFileSync('cc', ['-O2', '-o', binary, SOURCE, '-lpthread'], { stdio: 'inherit' })
  return binary
}

/** Where the load goes, and as whom. */
export interface Route {
  mode: 'raw' | 'socks5'
  user?: string
  proxy: number
  origin: number
}

/** One run of the load generator; `onMark` is called synchronously as it passes each mark. */
export async function runLoad(route: Route, load: Load, onMark: (mark: Mark) => void): Promise<LoadResult> {
  const flags = Object.entries({ ...route, ...load }).flatMap(([name, value]) => [`--${name}`, String(value)])
  const child = spawnOn(LOAD_CORE, buildLoad(), flags, ['ignore', 'pipe', 'inherit'])
  const exit = once(child, 'exit')
  const { stdout } = child
  if (stdout === null) throw new Error('tcpload has no output')
  let json = ''
  for await (const line of createInterface(stdout)) {
    if (line.startsWith('{')) json = line
    else for (const mark of MARKS) if (line === mark) onMark(mark)
  }
  await exit
  if (child.exitCode !== 0 || !json) throw new Error(`tcpload ${flags.join(' ')}: exit ${child.exitCode}`)
  const result: LoadResult = JSON.parse(json)
  return result
}
