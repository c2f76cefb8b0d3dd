import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { block, type Replacements } from './guide.ts'
import { ProxiedCurl } from './proxied-curl.ts'
import { Sluice } from './sluice.ts'

/** The settings of the guide in a file, and our program on them. */
export class Moved implements AsyncDisposable {
  readonly data: string
  readonly #settings: (more: Replacements) => string
  readonly #file: string
  #sluice: Sluice | undefined = undefined

  constructor(folder: string, name: string, replacements: Replacements) {
    this.data = join(folder, name)
    mkdirSync(this.data)
    this.#file = join(this.data, `${name}.yaml`)
    this.#settings = (more) => block(`${name}.yaml`, { ...replacements, ...more })
  }

  get sluice(): Sluice {
    return this.#sluice!
  }

  get log(): string {
    return readFileSync(join(this.data, 'access.log'), 'utf8')
  }

  write(more: Replacements): void {
    writeFileSync(this.#file, this.#settings(more))
  }

  async start(...flags: string[]): Promise<void> {
    const log = ['--access-log', join(this.data, 'access.log')]
    this.#sluice = await Sluice.start(this.data, '--config', this.#file, ...log, ...flags)
  }

  client(login: string): ProxiedCurl {
    return new ProxiedCurl(login, '-x', `http://${this.sluice.http}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sluice?.[Symbol.asyncDispose]()
  }
}
