import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Installed } from './install.ts'
import { type LogLine, LogWatch } from './log-watch.ts'

const READY_MS = 60_000
const LOOK_MS = 100
/** As long without a change, and a count is taken for settled. */
const SETTLED_LOOKS = 10
/** As long, where it is known what it has to come down to. */
const PATIENT_LOOKS = 100

export interface SubjectOptions {
  readonly flags: readonly string[]
  /** Another command than to serve, which knows no data folder. */
  readonly command?: { readonly words: readonly string[]; readonly input: string }
  /** Flags of node itself. */
  readonly nodeFlags?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly secrets: readonly string[]
}

/** A server under test: a process of its own, its log watched from the first line on. */
export class Subject {
  readonly log: LogWatch
  readonly pid: number
  #ports = new Map<string, number>()
  readonly #child: ChildProcess
  readonly #exit: Promise<unknown>
  #onRemains: (line: LogLine) => void = () => {}
  #errors = ''
  /** It has been asked to stop. */
  #asked = false

  /** Starts it on the data folder of `installed`; its listeners take free ports. */
  static async start(installed: Installed, options: SubjectOptions): Promise<Subject> {
    const { command, nodeFlags = [] } = options
    const words = command?.words ?? ['--data', installed.data]
    const args = [...nodeFlags, installed.main, ...words, ...options.flags]
    const env = { ...installed.env, ...options.env }
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'], env })
    child.stdin.end(command?.input)
    const subject = new Subject(child, options.secrets)
    try {
      await subject.#ready()
      return subject
    } catch (error) {
      await subject.stop(0)
      throw error
    }
  }

  private constructor(child: ChildProcess, secrets: readonly string[]) {
    this.log = new LogWatch(secrets)
    this.#child = child
    this.pid = child.pid ?? 0
    this.#exit = once(child, 'exit')
    process.once('exit', () => this.signal('SIGKILL'))
    child.stderr?.on('data', (chunk: Buffer) => (this.#errors += chunk.toString().slice(0, 10_000)))
  }

  /** Where a door listens, by its name in the log. */
  port(door: string): number {
    const port = this.#ports.get(door)
    if (port === undefined) throw new Error(`the program has no door '${door}'`)
    return port
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** What is wrong with the program itself, so far. */
  faults(): string[] {
    const { exitCode, signalCode } = this.#child
    return [
      ...this.log.faults.map(({ what }) => what),
      ...(this.#errors === '' ? [] : [`on stderr: ${this.#errors.trim()}`]),
      ...(this.running || (this.#asked && exitCode === 0)
        ? []
        : [`it ended: ${signalCode ?? `exit ${exitCode}`}`]),
    ]
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** What is left in it that is not garbage; it has to be started with `remains.ts`. */
  async remains(): Promise<{ timers: number; bytes: number }> {
    const line = new Promise<LogLine>((resolve) => (this.#onRemains = resolve))
    this.signal('SIGUSR2')
    const { timers = 0, bytes = 0 } = (await Promise.race([line, this.#exit])) as LogLine
    return { timers, bytes }
  }

  /** Asks it to stop, and ends it after `ms`. @returns how long it took, undefined where it had to be ended */
  async stop(ms: number): Promise<number | undefined> {
    if (!this.running) return 0
    this.#asked = true
    const askedAt = performance.now()
    this.signal(ms > 0 ? 'SIGTERM' : 'SIGKILL')
    const timer = setTimeout(() => this.signal('SIGKILL'), ms)
    await this.#exit
    clearTimeout(timer)
    return this.#child.signalCode === 'SIGKILL' ? undefined : performance.now() - askedAt
  }

  /** Open file descriptors; undefined on systems without /proc. */
  fds(): number | undefined {
    try {
      return readdirSync(`/proc/${this.pid}/fd`).length
    } catch {
      return undefined
    }
  }

  /** Resident bytes; undefined on systems without /proc. */
  rssBytes(): number | undefined {
    try {
      const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
      const kib = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]
      return kib === undefined ? undefined : Number(kib) * 1024
    } catch {
      return undefined
    }
  }

  /** The descriptors that are open when no more are closed, or as soon as there are at most `enough`. */
  async settledFds(enough = 0): Promise<number | undefined> {
    let least = this.fds()
    const most = enough > 0 ? PATIENT_LOOKS : SETTLED_LOOKS
    for (let looks = 0; looks < most && (least ?? 0) > enough; looks += 1) {
      await sleep(LOOK_MS)
      const now = this.fds()
      if (now === undefined || least === undefined) return undefined
      if (now >= least) continue
      least = now
      looks = 0
    }
    return least
  }

  async #ready(): Promise<void> {
    const { stdout } = this.#child
    if (stdout === null) throw new Error('the program has no stdout')
    const isReady = new Promise<boolean>((resolve) => {
      const lines = createInterface(stdout)
      lines.on('line', (text) => this.#take(this.log.read(text), resolve))
      lines.once('close', () => resolve(false))
    })
    const timer = setTimeout(() => this.signal('SIGKILL'), READY_MS)
    if (!(await isReady)) throw new Error(`the program did not get ready: ${this.#errors}`)
    clearTimeout(timer)
  }

  #take(line: LogLine | undefined, ready: (is: boolean) => void): void {
    if (line?.msg === 'listening' && line.door !== undefined) this.#ports.set(line.door, line.port ?? 0)
    if (line?.msg === 'ready') ready(true)
    if (line?.msg === 'remains') this.#onRemains(line)
  }
}
