import type { OwnerFeed } from './owner-feed.ts'
import { readUsersAnswer } from './panel-answer.ts'
import type { PanelClient } from './panel-client.ts'
import type { SourceStatus } from './source-status.ts'
import type { UsageReporter } from './usage-reporter.ts'
import { readRows, type UserList } from './user-list.ts'

export interface PanelOptions {
  readonly client: PanelClient
  readonly feed: OwnerFeed
  readonly reporter: UsageReporter
  /** Of users, and of what is posted. */
  readonly status: { readonly users: SourceStatus; readonly usage: SourceStatus }
  /** From the end of one round to the next, ms. */
  readonly syncMs: number
}

/**
 * A panel that says who the users are and books what they moved. Each round posts first and asks then, so that who used
 * up a quota by what was just posted is gone from the very next list.
 */
export class Panel {
  readonly #options: PanelOptions
  readonly #asking = new AbortController()
  readonly #posting = new AbortController()
  #timer: NodeJS.Timeout | undefined = undefined
  #round: Promise<void> = Promise.resolve()

  constructor(options: PanelOptions) {
    this.#options = options
  }

  /** Asks for the users for the first time, and goes on in rounds. Never rejects. */
  start(): Promise<void> {
    this.#round = this.#began()
    return this.#round
  }

  /** Ends with a last post, which may take this long. */
  async close(ms: number): Promise<void> {
    clearTimeout(this.#timer)
    this.#asking.abort()
    const late = setTimeout(() => this.#posting.abort(), ms)
    await this.#round
    await this.#post()
    clearTimeout(late)
  }

  async #began(): Promise<void> {
    const { reporter, status } = this.#options
    try {
      await reporter.start()
    } catch (error) {
      status.usage.failed(error)
    }
    await this.#ask()
    this.#next()
  }

  #next(): void {
    if (this.#asking.signal.aborted) return
    this.#timer = setTimeout(() => void (this.#round = this.#turn()), this.#options.syncMs).unref()
  }

  /** One round now. Never rejects. */
  async sync(): Promise<void> {
    await this.#post()
    await this.#ask()
  }

  async #turn(): Promise<void> {
    await this.sync()
    this.#next()
  }

  async #post(): Promise<void> {
    const { reporter, status, client } = this.#options
    try {
      await reporter.flush(this.#posting.signal)
      status.usage.ok()
    } catch (error) {
      status.usage.failed(error, { panel: client.place })
    }
  }

  async #ask(): Promise<void> {
    const { client, feed, status } = this.#options
    const { signal } = this.#asking
    if (signal.aborted) return
    try {
      await feed.take(await client.get(signal), (bytes) => this.#read(bytes))
      status.users.ok()
    } catch (error) {
      if (!signal.aborted) status.users.failed(error, { panel: client.place })
    }
  }

  #read(bytes: Uint8Array): Promise<UserList> {
    const { client, reporter } = this.#options
    const { rows, sharedPort, postTo, wantsBandwidth } = readUsersAnswer(bytes)
    client.postTo = postTo
    reporter.wantsBandwidth = wantsBandwidth
    return readRows(rows, sharedPort)
  }
}
