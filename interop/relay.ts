import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Daemon } from './daemon.ts'
import { temporaryFolder } from './sluice.ts'

export const RELAY_MAIN: string = join(import.meta.dirname, '../apps/relay/dist/main.mjs')

/** The built relay, on loopback. */
export class RelayServer implements AsyncDisposable {
  readonly #data: string
  readonly #flags: readonly string[]
  #daemon: Daemon

  static async start(...flags: string[]): Promise<RelayServer> {
    const data = temporaryFolder()
    return new RelayServer(data, flags, await startIn(data, flags))
  }

  private constructor(data: string, flags: readonly string[], daemon: Daemon) {
    this.#data = data
    this.#flags = flags
    this.#daemon = daemon
  }

  get log(): string {
    return this.#daemon.log
  }

  /** `127.0.0.1:PORT` of a listener. */
  listener(door: string): string {
    return this.#daemon.listener(door)
  }

  /** As after kill -9, on the same ports. */
  async restart(): Promise<void> {
    const flags = this.#flags.map((flag) => flag.replace(/^(\w+):\/\/.*:0$/, this.#sameListener))
    await this.#daemon.kill('SIGKILL')
    this.#daemon = await startIn(this.#data, flags)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon.kill()
    rmSync(this.#data, { recursive: true, force: true })
  }

  readonly #sameListener = (_flag: string, door: string): string => `${door}://${this.listener(door)}`
}

const startIn = (data: string, flags: readonly string[]): Promise<Daemon> =>
  Daemon.start([RELAY_MAIN, '--ops', '127.0.0.1:0', '--data', data, '--grace', '1', ...flags])
