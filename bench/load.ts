import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import type { Section } from './sections/section.ts'
import { LOAD_CORE, accepting, signalGroup, spawnOn } from './process.ts'

const SOURCES = join(import.meta.dirname, 'load')
/** For what is made once and outlives a run. */
export const CACHE: string = join(import.meta.dirname, '../node_modules/.cache/sluice-bench')

/** A run of a load generator against one proxy; `onMark` is called synchronously as it passes each mark. */
export type Drive<R extends LoadResult> = (route: Route, onMark: (mark: Mark) => void) => Promise<R>

/** Where the load goes, how it is spoken, and as whom. */
export interface Route {
  mode: 'raw' | 'socks5' | 'connect' | 'http' | 'web' | 'shadowsocks' | RequestMode | RelayMode
  /** `NAME:PASSWORD`; with shadowsocks `METHOD:SECRET`; with libp2p the folder of its packages */
  user?: string
  proxy: number
  origin: number
}

/** How requests are asked for that a proxy makes for its clients: by the frames of before, or by the HTTP API. */
export type RequestMode = 'compat' | 'api'

/** What relays of circuits speak: ours, two of nothing but pairs, strelaysrv's and libp2p's. */
export type RelayMode = 'relay-tcp' | 'relay-tls' | 'relay-ws' | 'pair-tcp' | 'pair-ws' | 'strelay' | 'libp2p'

const MARKS = ['START', 'BEGIN', 'READY', 'END'] as const
export type Mark = (typeof MARKS)[number]

export interface LoadResult {
  seconds: number
  /** Connections that failed, datagrams that were lost, answers that were wrong. */
  fails: number
  exchanges: { count: number; p50us: number; p99us: number; maxus: number }
}

/** What tcpload is asked for; its head comment says what each means. */
export interface TcpLoad {
  op: 'down' | 'up' | 'both' | 'rr' | 'pp' | 'idle' | 'get'
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

export interface TcpResult extends LoadResult {
  down: Direction
  up: Direction
  users: { name: string; conns: number; down: number; up: number }[]
}

/** What udpload is asked for. */
export interface UdpLoad {
  conns: number
  window: number
  rate: number
  msg: number
  secs: number
  warm: number
}

/** What ssload is asked for. */
export interface ShadowsocksLoad {
  op: 'down' | 'up' | 'rr' | 'idle' | 'udp'
  conns: number
  secs?: number
  warm?: number
  hold?: number
  ramp?: number
  /** Of udp: as of udpload. */
  window?: number
  rate?: number
  msg?: number
  /** Of udp: 1 where datagrams are sent whether the ones before came back or not, and may be lost. */
  lossy?: 0 | 1
}

export interface ShadowsocksResult extends LoadResult {
  down: { bytes: number }
  up: { bytes: number }
}

/** What requestload is asked for; its head comment says what each means. */
export interface RequestLoad {
  op: 'once' | 'loop' | 'rate'
  conns: number
  /** Of once: seconds. */
  rise?: number
  scheme?: 'http' | 'https'
  /** `NAME:PASSWORD,…`, instead of the peer's one login. */
  users?: string
  secs?: number
  warm?: number
  /** Of rate: requests a second. */
  rate?: number
  tail?: number
  tailrate?: number
  slow?: number
  /** Bytes that a 200 has at least. */
  body?: number
  keep?: 0 | 1
  /** 1: what the origin says that it took is taken off. */
  told?: 0 | 1
  /** Addresses that clients come from, and how far the first is from 127.0.0.2. */
  nsrc?: number
  first?: number
}

export interface RequestResult extends LoadResult {
  /** Answers by status; `exchanges` are those of 200. */
  statuses: Record<string, number>
  /** Requests for which no connection was free. */
  missed: number
  bytes: number
  /** Of once: from when all asked. */
  askSeconds: number
  recoverMs: number
  /** Requests of the tail. */
  probes: number
}

/** What relay-load is asked for; its head comment says what each means. */
export interface RelayLoad {
  op: 'bulk' | 'setup' | 'ping' | 'idle' | 'login' | 'shape'
  conns: number
  secs?: number
  warm?: number
  hold?: number
}

/** What agents are asked for; the head comment of load/agents.ts says what each means. */
export interface AgentsOrder {
  op: 'idle' | 'return' | 'restart'
  /** Each agent's, with the port of its tunnel. */
  places: readonly { enroll: string; port: number }[]
  /** Where its tunnels lead. */
  origin: number
  hold?: number
}

export type RelayOrder = RelayLoad & Route

export interface RelayResult extends LoadResult {
  /** That came to destinations. */
  bytes: number
  /** Share of the window that the load itself computed. */
  busy: number
  /** Of what each destination got: Jain's index, the least and the most bytes. */
  circuits: { jain: number; least: number; most: number }
}

/** Connections whose origin is a thread of the load generator. */
export function tcp(load: TcpLoad): Drive<TcpResult> {
  return (route, onMark) => runTool('tcpload', flagsOf({ ...route, ...load }), onMark)
}

/** The same with an origin in a process of its own, with a table of open files of its own. */
export function tcpApart(load: TcpLoad): Drive<TcpResult> {
  return async (route, onMark) => {
    const flags = flagsOf({ ...route, ...load })
    const origin = spawnOn(LOAD_CORE, build('tcpload'), [...flags, '--origin-only'], 'inherit')
    try {
      while ((await accepting(route.origin)) === undefined)
        if (origin.exitCode !== null) throw new Error('the origin did not come up')
      return await runTool('tcpload', [...flags, '--no-origin'], onMark)
    } finally {
      signalGroup(origin, 'SIGKILL')
    }
  }
}

/** Datagrams through a UDP relay. */
export function udp(load: UdpLoad): Drive<LoadResult> {
  return (route, onMark) => runTool('udpload', flagsOf({ ...route, ...load }), onMark)
}

/** Connections, or associations, of a Shadowsocks client. */
export function shadowsocks(load: ShadowsocksLoad): Drive<ShadowsocksResult> {
  return (route, onMark) => runTool('ssload', flagsOf({ ...route, ...load }), onMark)
}

/** Clients of a proxy that makes requests for them; the origin is the setting's. */
export function requests(load: RequestLoad): Drive<RequestResult> {
  return (route, onMark) => runTool('requestload', flagsOf({ ...route, ...load }), onMark)
}

const NODE_FLAGS = ['--conditions=@sluice/source', '--disable-warning=ExperimentalWarning']

/** Peers of a relay, both ends of their circuits in one process. */
export function relay(load: RelayLoad): Drive<RelayResult> {
  return (route, onMark) => {
    const order: RelayOrder = { ...route, ...load }
    const args = [...NODE_FLAGS, join(SOURCES, 'relay-load.ts'), JSON.stringify(order)]
    return run(process.execPath, args, onMark)
  }
}

/** Agents of nps-server in one process, the target of their tunnels among them. @param file for the order */
export function agents(file: string, order: AgentsOrder, onMark: (mark: Mark) => void): Promise<LoadResult> {
  writeFileSync(file, JSON.stringify(order))
  return run(process.execPath, [...NODE_FLAGS, join(SOURCES, 'agents.ts'), file], onMark)
}

/** With the libraries that each is linked with. */
const TOOLS = {
  tcpload: ['-lpthread'],
  udpload: ['-lpthread'],
  ssload: ['-lpthread', '-lcrypto'],
  requestload: [],
} as const
type Tool = keyof typeof TOOLS

/** What each project is loaded by; one needs a library that not everybody has. */
export const LOADS: Readonly<Record<Section['project'], readonly Tool[]>> = {
  'remote-proxy': ['tcpload', 'udpload'],
  'ss-node': ['ssload', 'tcpload'],
  relay: [],
  'https-proxy': ['requestload', 'tcpload'],
  'nps-server': ['tcpload', 'udpload'],
  ratelimit: [],
}

/** Compiles a load generator where that was not done since it changed. @returns its file */
export function build(tool: Tool): string {
  const binary = join(CACHE, tool)
  const newest = Math.max(...readdirSync(SOURCES).map((file) => statSync(join(SOURCES, file)).mtimeMs))
  if (existsSync(binary) && statSync(binary).mtimeMs > newest) return binary
  mkdirSync(CACHE, { recursive: true })
  const source = join(SOURCES, `${tool}.c`)
  execFileSync('cc', ['-O2', '-o', binary, source, ...TOOLS[tool]], { stdio: 'inherit' })
  return binary
}

const flagsOf = (values: object): string[] =>
  Object.entries(values).flatMap(([name, value]) => [`--${name}`, String(value)])

const runTool = <R extends LoadResult>(
  tool: Tool,
  flags: readonly string[],
  onMark: (mark: Mark) => void,
): Promise<R> => run(build(tool), flags, onMark)

async function run<R extends LoadResult>(
  command: string,
  args: readonly string[],
  onMark: (mark: Mark) => void,
): Promise<R> {
  const child = spawnOn(LOAD_CORE, command, args, ['ignore', 'pipe', 'inherit'])
  const exit = once(child, 'exit')
  const { stdout } = child
  if (stdout === null) throw new Error(`${command} has no output`)
  let json = ''
  for await (const line of createInterface(stdout)) {
    if (line.startsWith('{')) json = line
    else for (const mark of MARKS) if (line === mark) onMark(mark)
  }
  await exit
  if (child.exitCode !== 0 || !json) throw new Error(`${command} ${args.join(' ')}: exit ${child.exitCode}`)
  const result: R = JSON.parse(json)
  return result
}
