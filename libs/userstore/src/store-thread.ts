import { Worker } from 'node:worker_threads'
import {
  errorOf,
  type StoreArgs,
  type StoreCall,
  type StoreMethod,
  type StoreReply,
  type StoreResult,
  type StoreStart,
} from './store-calls.ts'
import { StoreError } from './store-error.ts'

interface Waiting {
  resolve(value: unknown): void
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
    this.opened = this.#wait<string>(0)
  }

  /** Whether there can be more calls. */
  get alive(): boolean {
    return this.#over === undefined
  }

  call<M extends StoreMethod>(method: M, ...args: StoreArgs<M>): Promise<StoreResult<M>> {
    if (this.#over !== undefined) return Promise.reject(this.#over)
    const call: StoreCall<M> = { id: (this.#lastId += 1), method, args }
    const result = this.#wait<StoreResult<M>>(call.id)
    try {
      this.#worker.postMessage(call, [])
    } catch (cause) {
      const failed = new StoreError('USER_VALUE', `${method}: wanted plain values`, { cause })
      this.#take(call.id)?.reject(failed)
    }
    return result
  }

  /** Ends the thread after all calls made so far. */
  async close(): Promise<void> {
    if (this.#over === undefined) {
      const closed = this.call('close')
      this.#over = new StoreError('STORE_CLOSED', 'the store was closed')
      await closed
    }
    // An unreferenced thread would not hold the program until it has ended.
    this.#worker.ref()
    await this.#ended
  }

  // T is what the core's method of the call's name gives.
  #wait<T>(id: number): Promise<T> {
    this.#worker.ref()
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) this.#worker.unref()
    return waiting
  }

  #settle({ id, value, error }: StoreReply): void {
    const waiting = this.#take(id)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(errorOf(error))
  }

  #end(reason: StoreError): void {
    this.#over ??= reason
    for (const id of this.#waiting.keys()) this.#take(id)?.reject(reason)
  }
}

// The program's own flags are not handed on: some (--input-type) make sense for its entry point only.
const flagsFor = (url: URL): string[] =>
  url.pathname.endsWith('.ts') ? ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'] : []

const dead = (file: string, cause: unknown): StoreError =>
  new StoreError('STORE_FAILED', `${file}: the store's thread died`, { cause })
