import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Daemon } from './daemon.ts'
import { run } from './process.ts'
import { temporaryFolder } from './sluice.ts'

const MAIN = join(import.meta.dirname, '../apps/ss-node/dist/main.mjs')
const LOOPBACK = ['--listen', '127.0.0.1', '--ops', '127.0.0.1:0', '--allow', '127.0.0.0/8', '--grace', '1']

/** A user as `userconfigs.json` has them. */
export interface SsRow {
  readonly user_id: number
  /** Without it, that of `--port`. */
  readonly port?: number
  readonly method: string
  readonly password: string
  readonly enable?: boolean
  /** Bytes per second, each way apart. */
  readonly speed_limit?: number
}

/** What is to be said of a node, besides its flags. */
export interface SsNodeOptions {
  /** Users in a file of users, which goes with the node. */
  readonly rows?: readonly SsRow[]
  /** A folder that is kept; without it, one that goes with the node. */
  readonly data?: string
  readonly env?: Readonly<Record<string, string>>
}

export interface Usage {
  readonly up: number
  readonly down: number
  readonly total: number
}

/** The built node, on loopback. */
export class SsNode implements AsyncDisposable {
  readonly data: string
  readonly #owned: boolean
  readonly #daemon: Daemon

  static async start(options: SsNodeOptions = {}, ...flags: string[]): Promise<SsNode> {
    const data = options.data ?? temporaryFolder()
    if (options.rows !== undefined) writeRows(data, options.rows)
    const args = [MAIN, ...LOOPBACK, '--data', data, ...flags]
    return new SsNode(data, options.data === undefined, await Daemon.start(args, options.env, data))
  }

  private constructor(data: string, owned: boolean, daemon: Daemon) {
    this.data = data
    this.#owned = owned
    this.#daemon = daemon
  }

  /** The first port that it opened for users. */
  get port(): number {
    return Number(this.#daemon.listener('ss').split(':')[1])
  }

  get log(): string {
    return this.#daemon.log
  }

  async kill(signal?: NodeJS.Signals): Promise<void> {
    await this.#daemon.kill(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    if (this.#owned) rmSync(this.data, { recursive: true, force: true })
  }
}

/** The file that a node reads which is started in that folder. */
export const writeRows = (folder: string, rows: readonly SsRow[]): void =>
  writeFileSync(join(folder, 'userconfigs.json'), JSON.stringify({ users: rows }))

/** `ss-node user …` on a data folder. @returns what it printed @throws Error where it failed */
export const ssUser = async (data: string, args: readonly string[], input = ''): Promise<string> => {
  const { status, stdout, stderr } = await run(
    process.execPath,
    [MAIN, 'user', ...args, '--data', data],
    input,
  )
  if (status !== 0) throw new Error(`user ${args.join(' ')}: ${stderr}`)
  return stdout.toString()
}

/** Bytes that a user has moved. */
export const ssUsage = async (data: string, name: string): Promise<Usage> =>
  JSON.parse(await ssUser(data, ['usage', name, '--json'])) as Usage
