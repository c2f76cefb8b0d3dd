import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { start, stop } from './process.ts'

/** One of the built programs, which serves until it is told to stop; its log is kept. */
export class Daemon {
  readonly #child: ReturnType<typeof start>
  readonly #lines: string[] = []

  /** @returns once it says that it is ready @throws Error where it ends before that */
  static async start(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    cwd?: string,
    /** A command that runs another one. */
    within: readonly string[] = [],
    /** All of its standard input, which it otherwise has none of and no end of either. */
    input?: string,
  ): Promise<Daemon> {
    const [command = '', ...rest] = [...within, process.execPath, ...args]
    const child = start(command, rest, env, cwd)
    const daemon = new Daemon(child)
    if (input !== undefined) child.stdin.end(input)
    const reader = createInterface(child.stdout)
    reader.on('line', (line) => daemon.#lines.push(line))
    child.stderr.on('data', (chunk: Buffer) => daemon.#lines.push(chunk.toString()))
    while (!daemon.#lines.some((line) => line.includes('"ready"'))) {
      const ended = once(child, 'exit').then(() => {
        throw new Error(`it ended: ${daemon.log}`)
      })
      await Promise.race([once(reader, 'line'), ended])
    }
    return daemon
  }

  private constructor(child: ReturnType<typeof start>) {
    this.#child = child
  }

  get pid(): number {
    return this.#child.pid!
  }

  get log(): string {
    return this.#lines.join('\n')
  }

  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await stop(this.#child, signal)
  }

  /** `127.0.0.1:PORT` of the first listener of a door. */
  listener(door: string): string {
    const line = this.#lines.find((each) => each.includes(`"door":"${door}"`)) ?? '{}'
    const { host, port } = JSON.parse(line) as { host: string; port: number }
    return `${host}:${port}`
  }
}
