import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { bundle } from '../../bundle.mjs'

const ROOT = resolve(import.meta.dirname, '../../..')

/** A program of ours as it is delivered, with a data folder of its own. */
export class Installed {
  /** Its entry point, for node. */
  readonly main: string
  readonly data: string
  readonly env: NodeJS.ProcessEnv = { PATH: process.env['PATH'] }

  private constructor(main: string) {
    this.main = main
    this.data = mkdtempSync(join(tmpdir(), 'sluice-'))
    process.once('exit', () => this.remove())
  }

  /** Bundles `app` as the sources are now, beside what others may be using of an earlier build. */
  static async of(app: string): Promise<Installed> {
    // Within the repository, or the packages outside the bundle would not be found.
    const outdir = join(ROOT, 'node_modules/.cache/sluice', `tools-${app}-${process.pid}`)
    await bundle(join(ROOT, 'apps', app, 'src/main.ts'), outdir)
    return new Installed(join(outdir, 'main.mjs'))
  }

  /** Runs one command of the program on the data folder. @returns what it printed */
  async command(words: readonly string[], input = ''): Promise<string> {
    const args = [this.main, ...words, '--data', this.data]
    const running = promisify(execFile)(process.execPath, args, { env: this.env })
    running.child.stdin?.end(input)
    return (await running).stdout
  }

  async addUser(name: string, password: string, flags: readonly string[] = []): Promise<void> {
    await this.command(['user', 'add', name, '--password-stdin', ...flags], `${password}\n`)
  }

  remove(): void {
    rmSync(this.data, { recursive: true, force: true })
    rmSync(resolve(this.main, '..'), { recursive: true, force: true })
  }
}
