import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Daemon } from './daemon.ts'
import { type Ended, run } from './process.ts'

const MAIN = join(import.meta.dirname, '../apps/remote-proxy/dist/main.mjs')
const LOOPBACK = ['--http', '127.0.0.1:0', '--socks', '127.0.0.1:0', '--ops', '127.0.0.1:0']

/** The program follows its store within a second, where it has the time. */
const KNOWN_MS = 20_000

/** A folder that is gone when the test is over. */
export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'interop-'))

/** `remote-proxy user …` on a data folder. @returns what it printed @throws Error where it failed */
export const user = async (
  data: string,
  args: readonly string[],
  input: string | Uint8Array = '',
): Promise<string> => {
  const { status, stdout, stderr } = await run(
    process.execPath,
    [MAIN, 'user', ...args, '--data', data],
    input,
  )
  if (status !== 0) throw new Error(`user ${args.join(' ')}: ${stderr}`)
  return stdout.toString()
}

/** Adds a user with this password. */
export const addUser = (data: string, name: string, password: string, ...flags: string[]): Promise<string> =>
  user(data, ['add', name, '--password-stdin', ...flags], `${password}\n`)

/** Bytes that a user has moved. */
export const usage = async (
  data: string,
  name: string,
): Promise<{ up: number; down: number; total: number }> =>
  JSON.parse(await user(data, ['usage', name, '--json'])) as { up: number; down: number; total: number }

/** The built program, listening on loopback with ports of its own choice. */
export class Sluice implements AsyncDisposable {
  readonly data: string
  /** `127.0.0.1:PORT` of each listener. */
  readonly http: string
  readonly socks: string
  readonly ops: string
  readonly #daemon: Daemon
  readonly #owned: boolean

  /** @param data a folder that is kept; without it, one that goes with the program */
  static start(data?: string, ...flags: string[]): Promise<Sluice> {
    return Sluice.startIn({}, data, ...flags)
  }

  /** @param env variables of its environment */
  static async startIn(
    env: Readonly<Record<string, string>>,
    data?: string,
    ...flags: string[]
  ): Promise<Sluice> {
    const folder = data ?? temporaryFolder()
    const args = [MAIN, ...LOOPBACK, '--data', folder, '--allow', '127.0.0.0/8,::1', '--grace', '1', ...flags]
    return new Sluice(folder, data === undefined, await Daemon.start(args, env))
  }

  private constructor(data: string, owned: boolean, daemon: Daemon) {
    this.data = data
    this.#owned = owned
    this.#daemon = daemon
    this.http = this.listener('http')
    this.socks = this.listener('socks')
    this.ops = this.listener('ops')
  }

  get pid(): number {
    return this.#daemon.pid
  }

  get log(): string {
    return this.#daemon.log
  }

  /** Adds a user, and waits until the program knows them. */
  async add(name: string, password: string, ...flags: string[]): Promise<void> {
    await addUser(this.data, name, password, ...flags)
    await this.known(name, password)
  }

  /** Waits until this login is taken. */
  async known(name: string, password: string): Promise<void> {
    const attempt = (): Promise<Ended> =>
      run('curl', [
        '-sS',
        '-o',
        '/dev/null',
        '-w',
        '%{http_connect}',
        '-p',
        '-x',
        `http://${this.http}`,
        '--proxy-user',
        `${name}:${password}`.replaceAll('%', '%25'),
        'http://192.0.2.1/',
      ])
    const until = performance.now() + KNOWN_MS
    do if ((await attempt()).stdout.toString() === '403') return
    while (performance.now() < until)
    throw new Error(`${name} is not known after ${KNOWN_MS} ms`)
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    await this.#daemon.kill(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon.kill()
    if (this.#owned) rmSync(this.data, { recursive: true, force: true })
  }

  /** `127.0.0.1:PORT` of any of them. */
  listener(door: string): string {
    return this.#daemon.listener(door)
  }
}
