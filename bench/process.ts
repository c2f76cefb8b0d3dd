import { type ChildProcess, execFileSync, spawn, type StdioOptions } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** The program under test has this core for itself. */
export const SERVER_CORE = 0
/** The load generator, client and origin, has this one. */
export const LOAD_CORE = 1
/** Where nothing is told apart but how fast it is. */
export const BOTH_CORES = '0,1'
type Core = number | typeof BOTH_CORES

const READY_MS = 15_000
const STOP_MS = 5_000

/** A started program with everything that it forked. */
export interface Program {
  /** User + system seconds of all threads and processes, those that have ended included. */
  cpuSeconds(): number
  /** Resident bytes, summed over the processes; a page that several share counts in parts (PSS). */
  residentBytes(): number
  /** The most resident bytes (RSS) since `forgetPeak`, summed over the processes that are there. */
  peakBytes(): number
  /** From now on the peak is that of what comes: it is what is resident now. */
  forgetPeak(): void
  /** What it wrote so far. */
  output(): string
  exited(): boolean
  stop(): Promise<void>
}

const running = new Set<ChildProcess>()

/** Ends whatever still runs, at once: for signal handlers. */
export function killAll(): void {
  for (const child of running) signalGroup(child, 'SIGKILL')
}

/** Starts a program on one core, in a process group of its own that ends with us. */
export function spawnOn(
  core: Core,
  command: string,
  args: readonly string[],
  stdio: StdioOptions,
): ChildProcess {
  const env = { ...process.env, PATH: searchPath() }
  const child = spawn('taskset', ['-c', String(core), command, ...args], { detached: true, stdio, env })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/** Starts a program, on the server's core where it is the one to be measured, its output in `logFile`. */
export function launch(
  command: string,
  args: readonly string[],
  logFile: string,
  core: Core = SERVER_CORE,
  inputFile = '/dev/null',
): Program {
  const [input, log] = [openSync(inputFile, 'r'), openSync(logFile, 'w')]
  const child = spawnOn(core, command, args, [input, log, log])
  for (const file of [input, log]) closeSync(file)
  const group = child.pid ?? 0
  return {
    cpuSeconds: () => sum(groupStats(group), (stat) => stat.ticks) / CLOCK_TICKS,
    residentBytes: () => sum(groupStats(group), (stat) => pssBytes(stat.pid)),
    peakBytes: () => sum(groupStats(group), (stat) => peakBytes(stat.pid)),
    forgetPeak: () => groupStats(group).forEach((stat) => forgetPeak(stat.pid)),
    output: () => readFileSync(logFile, 'utf8'),
    exited: () => child.exitCode !== null || child.signalCode !== null,
    stop: () => stop(child),
  }
}

/** Several programs as one. They are stopped from the last to the first. */
export function together(...programs: Program[]): Program {
  const total = (of: (program: Program) => number) => (): number => sum(programs, of)
  return {
    cpuSeconds: total((program) => program.cpuSeconds()),
    residentBytes: total((program) => program.residentBytes()),
    peakBytes: total((program) => program.peakBytes()),
    forgetPeak: () => programs.forEach((program) => program.forgetPeak()),
    output: () => programs.map((program) => program.output()).join('\n'),
    exited: () => programs.some((program) => program.exited()),
    async stop() {
      for (const program of programs.toReversed()) await program.stop()
    },
  }
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = child.exitCode !== null || child.signalCode !== null
  const gone = ended ? Promise.resolve() : once(child, 'exit')
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), STOP_MS)
  signalGroup(child, 'SIGTERM')
  await gone
  clearTimeout(timer)
  // Children that outlive their parent would take their time on the next program's core.
  while (groupStats(child.pid ?? 0).some((stat) => !stat.zombie)) {
    signalGroup(child, 'SIGKILL')
    await sleep(20)
  }
}

/** Signals a program and everything that it forked. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // The whole group is gone already.
  }
}

/** Waits until `ready` gives a value; fails with the program's output when it exits or takes too long. */
export async function untilReady<T>(
  program: Program,
  ready: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const deadline = Date.now() + READY_MS
  for (;;) {
    const value = await ready()
    if (value !== undefined) return value
    if (program.exited() || Date.now() > deadline) break
    await sleep(20)
  }
  const output = program.output().slice(-2_000)
  await program.stop()
  throw new Error(`the program did not come up:\n${output}`)
}

/** The port once something accepts there, undefined until then. */
export async function accepting(port: number): Promise<number | undefined> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return port
  } catch {
    return undefined
  } finally {
    socket.destroy()
  }
}

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  listener.close()
  await once(listener, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** PATH with the folders where Debian keeps daemons, which users often lack. */
export function searchPath(): string {
  return `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`
}

interface Stat {
  pid: number
  group: number
  zombie: boolean
  ticks: number
}

const CLOCK_TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** Every live process of a group. A child that ended is in its parent's ticks. */
function groupStats(group: number): Stat[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids
    .map(readStat)
    .filter((stat) => stat !== undefined)
    .filter((stat) => stat.group === group)
}

/** proc(5): after the last ')' come state, ppid, pgrp, …, then utime, stime, cutime, cstime as fields 14 to 17. */
function readStat(pid: string): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const ticks = sum(fields.slice(11, 15), Number)
    return { pid: Number(pid), group: Number(fields[2]), zombie: fields[0] === 'Z', ticks }
  } catch {
    return undefined
  }
}

function pssBytes(pid: number): number {
  try {
    const pss = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))
    return Number(pss?.[1]) * 1024
  } catch (error) {
    // Programs that fork have children who come and go.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return 0
    throw error
  }
}

function peakBytes(pid: number): number {
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(peak?.[1]) * 1024
}

/** proc(5): a 5 resets the peak of the resident set. */
const forgetPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5')

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0)
}
