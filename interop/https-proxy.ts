import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Daemon } from './daemon.ts'
import { type Ended, run } from './process.ts'
import { temporaryFolder } from './sluice.ts'

const MAIN = join(import.meta.dirname, '../apps/https-proxy/dist/main.mjs')

/** Runs the built program to its end. */
export const httpsProxy = (args: readonly string[], input: string | Uint8Array = ''): Promise<Ended> =>
  run(process.execPath, [MAIN, ...args], input)

/** The built https-proxy, on loopback; open to all where it has no user. */
export class HttpsProxy implements AsyncDisposable {
  readonly data: string
  /** `127.0.0.1:PORT` of the way in, and of the ops port. */
  readonly proxy: string
  readonly ops: string
  readonly #daemon: Daemon

  static async start(...flags: string[]): Promise<HttpsProxy> {
    const data = temporaryFolder()
    return new HttpsProxy(data, await startIn(data, flags))
  }

  /** @param users by name their passwords */
  static async startFor(users: Readonly<Record<string, string>>, ...flags: string[]): Promise<HttpsProxy> {
    const data = temporaryFolder()
    for (const [name, password] of Object.entries(users)) await addUser(data, name, password)
    return new HttpsProxy(data, await startIn(data, flags))
  }

  private constructor(data: string, daemon: Daemon) {
    this.data = data
    this.#daemon = daemon
    this.proxy = this.listener('proxy')
    this.ops = this.listener('ops')
  }

  get pid(): number {
    return this.#daemon.pid
  }

  get log(): string {
    return this.#daemon.log
  }

  /** `127.0.0.1:PORT` of a listener. */
  listener(door: string): string {
    return this.#daemon.listener(door)
  }

  /** What `/status` tells. */
  async status(): Promise<Readonly<Record<string, unknown>>> {
    return (await (await fetch(`http://${this.ops}/status`)).json()) as Readonly<Record<string, unknown>>
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon.kill()
    rmSync(this.data, { recursive: true, force: true })
  }
}

const startIn = (data: string, flags: readonly string[]): Promise<Daemon> =>
  Daemon.start([
    MAIN,
    ...['--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0', '--data', data],
    ...['--allow', '127.0.0.0/8,::1', '--grace', '1', ...flags],
  ])

const addUser = async (data: string, name: string, password: string): Promise<void> => {
  const { status, stderr } = await httpsProxy(
    ['user', 'add', name, '--password-stdin', '--data', data],
    `${password}\n`,
  )
  if (status !== 0) throw new Error(`user add ${name}: ${stderr}`)
}
