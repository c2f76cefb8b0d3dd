import { setTimeout as sleep } from 'node:timers/promises'
import type { Installed } from '../subject/install.ts'
import type { Subject } from '../subject/subject.ts'
import type { Load, UserName } from './load.ts'

const EDITED: UserName = 'edited'
/** A running program follows an edit within 2 s; the rest is for a busy machine. */
const FOLLOW_MS = 20_000
const PAUSE_MS = 1000
const LOOK_MS = 50

/** From one kind of limit to another and back. */
const LIMITS = [
  ['--down', '4MB/s'],
  ['--down', 'none', '--total', '6MB/s'],
  ['--total', 'none', '--down', '1MB/s'],
]

/** Edits a user from the command line and reloads the program, over and over, while the load runs. */
export class Edits {
  readonly faults: string[] = []
  rounds = 0
  readonly #installed: Installed
  readonly #subject: Subject
  readonly #load: Load

  constructor(installed: Installed, subject: Subject, load: Load) {
    this.#installed = installed
    this.#subject = subject
    this.#load = load
  }

  /** Whole rounds, for `ms` at least. */
  async run(ms: number): Promise<void> {
    const endsAt = performance.now() + ms
    while (performance.now() < endsAt && this.#subject.running) {
      for (const limits of LIMITS) {
        await this.#edit('set', ...limits)
        await sleep(PAUSE_MS)
      }
      this.#subject.signal('SIGHUP')
      await this.#edit('disable')
      await this.#follows('disabled', false)
      await this.#edit('enable')
      await this.#follows('enabled', true)
      this.rounds += 1
    }
    const reloads = this.#subject.log.messages.get('reloaded') ?? 0
    if (reloads !== this.rounds) this.faults.push(`${this.rounds} SIGHUPs, but ${reloads} reloads`)
  }

  async #edit(verb: string, ...flags: string[]): Promise<void> {
    await this.#installed.command(['user', verb, EDITED, ...flags])
  }

  async #follows(state: string, isServed: boolean): Promise<void> {
    for (const endsAt = performance.now() + FOLLOW_MS; performance.now() < endsAt; await sleep(LOOK_MS))
      if (this.#load.isServed(EDITED) === isServed) return
    const what = isServed ? 'refused' : 'served'
    this.faults.push(`a user who was ${state} is still ${what} after ${FOLLOW_MS} ms`)
  }
}
