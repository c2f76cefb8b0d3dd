import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Shaper } from '@sluice/ratelimit'
import { Directory } from '@sluice/service'
import { openStore, type UserStore } from '@sluice/userstore'
import { Register } from '../register.ts'

/** A register over a store in a folder of its own, and the directory that follows it. */
export class TestRegister implements AsyncDisposable {
  readonly store: UserStore
  readonly directory: Directory
  readonly register: Register
  /** Lines of the log, with their fields. */
  readonly lines: object[]
  readonly #folder: string
  readonly #shaper: Shaper

  static async open(): Promise<TestRegister> {
    const folder = mkdtempSync(join(tmpdir(), 'ss-node-'))
    const store = await openStore(`sqlite:${join(folder, 'sluice.db')}`)
    const shaper = new Shaper({})
    const directory = new Directory({ store, shaper, onError: () => {} })
    await directory.start()
    const lines: object[] = []
    const info = (fields: object, msg: string): void => void lines.push({ msg, ...fields })
    // Of the log only this is called.
    const log = { info } as unknown as Parameters<typeof Register.open>[0]['log']
    const register = await Register.open({ store, directory, log })
    return new TestRegister({ folder, store, shaper, directory, register, lines })
  }

  private constructor(parts: {
    folder: string
    store: UserStore
    shaper: Shaper
    directory: Directory
    register: Register
    lines: object[]
  }) {
    this.#folder = parts.folder
    this.#shaper = parts.shaper
    this.store = parts.store
    this.directory = parts.directory
    this.register = parts.register
    this.lines = parts.lines
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.register[Symbol.dispose]()
    this.directory.stop()
    this.#shaper.close()
    await this.store.close()
    rmSync(this.#folder, { recursive: true, maxRetries: 5 })
  }
}
