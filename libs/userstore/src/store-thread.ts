import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { PAGE_ENTRIES } from './pages.ts'
import {
  errorOf,
  type ListMethod,
  type PagedMethod,
  type StoreArgs,
  type StoreMessage,
  type StoreMethod,
  type StoreReply,
  type StoreResult,
  type StoreStart,
} from './store-calls.ts'
import { StoreError } from './store-error.ts'

interface Waiting {
  resolve(reply: StoreReply): void
  reject(error: StoreError): void
}

/**
 * Calls into the worker thread. It keeps the program alive while a call waits, and only then. When the thread dies, all
 * calls that wait, and all later ones, reject with the cause.
 */
export class StoreThread {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  readonly #ended: Promise<void>
  /** Settles once the store is open, with its install id. */
  readonly opened: Promise<string>
  #lastId = 0
  /** Why there can be no more calls. */
  #over: StoreError | undefined
  /** Why nothing that is asked will be answered. */
  #dead: StoreError | undefined
  /** Ends with the last answer in pages that is still being read. */
  #reading: Promise<unknown> = Promise.resolve()
  /** Ends with the last long list that is still being sent. */
  #sending: Promise<unknown> = Promise.resolve()

  constructor(url: URL, start: StoreStart) {
    this.#worker = new Worker(url, { workerData: start, name: 'userstore', execArgv: flagsFor(url) })
    this.#worker.on('message', (reply: StoreReply) => this.#settle(reply))
    this.#worker.on('error', (cause) => this.#end(dead(start.file, cause)))
    this.#worker.on('messageerror', (cause) => this.#end(dead(start.file, cause)))
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#end(dead(start.file, undefined))
        resolve()
      })
    })
    this.opened = this.#wait(0).then(({ value }) => String(value))
  }

  /** Whether there can be more calls. */
  get alive(): boolean {
    return this.#over === undefined
  }

  call<M extends StoreMethod>(method: M, ...args: StoreArgs<M>): Promise<StoreResult<M>> {
    if (this.#over !== undefined) return Promise.reject(this.#over)
    return this.#ask({ id: this.#newId(), method, args }).then(valueOf<M>)
  }

  /**
   * A call whose answer comes in pages, with a turn of the event loop between them. Of two such calls the first has
   * come wholly before the second begins to come, so what is told later is newer.
   */
  pages<M extends PagedMethod>(
    method: M,
    args: StoreArgs<M>,
    onPage: (page: NonNullable<StoreResult<M>>) => void,
  ): Promise<void> {
    if (this.#over !== undefined) return Promise.reject(this.#over)
    const id = this.#newId()
    const first = this.#ask({ id, method, args })
    const before = this.#reading
    const all = this.#read(id, first, before, (reply) => {
      const page = valueOf<M>(reply)
      if (page !== undefined) onPage(page)
    })
    this.#reading = Promise.allSettled([before, all])
    return all
  }

  /** A call with a list that may be long, which goes in pieces, with a turn of the event loop between them. */
  callWithList<M extends ListMethod>(method: M, ...args: StoreArgs<M>): Promise<StoreResult<M>> {
    if (this.#over !== undefined) return Promise.reject(this.#over)
    const result = this.#sending.then(() => this.#sendInPieces(method, args))
    this.#sending = result.catch(() => undefined)
    return result
  }

  /** Ends the thread after all calls made so far. */
  async close(): Promise<void> {
    if (this.#over === undefined) {
      this.#over = new StoreError('STORE_CLOSED', 'the store was closed')
      await Promise.all([this.#reading, this.#sending])
      await this.#ask({ id: this.#newId(), method: 'close', args: [] })
    }
    // An unreferenced thread would not hold the program until it has ended.
    this.#worker.ref()
    await this.#ended
  }

  async #read(
    id: number,
    first: Promise<StoreReply>,
    before: Promise<unknown>,
    onReply: (reply: StoreReply) => void,
  ): Promise<void> {
    const [head] = await Promise.all([first, before])
    let reply = head
    onReply(reply)
    while (reply.more === true) {
      await setImmediate()
      reply = await this.#ask({ id, next: true })
      onReply(reply)
    }
  }

  async #sendInPieces<M extends ListMethod>(method: M, args: StoreArgs<M>): Promise<StoreResult<M>> {
    const id = this.#newId()
    const list: readonly unknown[] = args[1]
    if (list.length <= PAGE_ENTRIES) return this.#ask({ id, method, args }).then(valueOf<M>)
    for (let at = 0; at < list.length; at += PAGE_ENTRIES) {
      this.#post(method, { id, entries: list.slice(at, at + PAGE_ENTRIES) })
      await setImmediate()
    }
    // The worker has the list by now.
    return this.#ask({ id, method, args: args.with(1, []) as StoreArgs<M> }).then(valueOf<M>)
  }

  #newId(): number {
    return (this.#lastId += 1)
  }

  #ask(message: StoreMessage): Promise<StoreReply> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead)
    const reply = this.#wait(message.id)
    try {
      this.#post('method' in message ? message.method : 'next', message)
    } catch (error) {
      this.#take(message.id)
      return Promise.reject(error)
    }
    return reply
  }

  /** Throws USER_VALUE. */
  #post(method: string, message: StoreMessage): void {
    try {
      this.#worker.postMessage(message, [])
    } catch (cause) {
      throw new StoreError('USER_VALUE', `${method}: wanted plain values`, { cause })
    }
  }

  #wait(id: number): Promise<StoreReply> {
    this.#worker.ref()
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) this.#worker.unref()
    return waiting
  }

  #settle(reply: StoreReply): void {
    const waiting = this.#take(reply.id)
    if (reply.error === undefined) waiting?.resolve(reply)
    else waiting?.reject(errorOf(reply.error))
  }

  #end(reason: StoreError): void {
    this.#over ??= reason
    this.#dead ??= reason
    for (const id of this.#waiting.keys()) this.#take(id)?.reject(reason)
  }
}

// The value is what the core's method gives.
const valueOf = <M extends StoreMethod>({ value }: StoreReply): StoreResult<M> => value as StoreResult<M>

// The program's own flags are not handed on: some (--input-type) make sense for its entry point only.
const flagsFor = (url: URL): string[] =>
  url.pathname.endsWith('.ts') ? ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'] : []

const dead = (file: string, cause: unknown): StoreError =>
  new StoreError('STORE_FAILED', `${file}: the store's thread died`, { cause })
