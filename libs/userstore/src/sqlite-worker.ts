// The thread that waits for the disk, so that the program's own need not. It runs one StoreCore, call by call, in the
// order the calls were made.
import { parentPort, workerData } from 'node:worker_threads'
import { JsonDatabase } from './json-database.ts'
import { pagesOf } from './pages.ts'
import { SqliteDatabase } from './sqlite-database.ts'
import {
  failureOf,
  PAGED_METHODS,
  type StoreCall,
  type StoreMessage,
  type StoreReply,
  type StoreStart,
} from './store-calls.ts'
import type { StoreCore } from './store-core.ts'
import { asStoreError } from './store-error.ts'

const start: StoreStart = workerData
const paged: ReadonlySet<string> = new Set(PAGED_METHODS)
/** Of calls that are still to come, what was sent of their list. */
const lists = new Map<number, unknown[]>()
/** Of calls that were answered, the pages that nobody has asked for yet. */
const answers = new Map<number, unknown[]>()

const reply = (message: StoreReply): void => parentPort?.postMessage(message, [])

function attempt(id: number, run: () => Omit<StoreReply, 'id'>): void {
  try {
    reply({ id, ...run() })
  } catch (error) {
    reply({ id, error: failureOf(asStoreError(error, start.file)) })
  }
}

function answer(core: StoreCore, { id, method, args }: StoreCall): Omit<StoreReply, 'id'> {
  const list = lists.get(id)
  lists.delete(id)
  const given: unknown[] = args
  const value: unknown = Reflect.apply(core[method], core, list === undefined ? given : given.with(1, list))
  if (!paged.has(method) || value === undefined) return { value }
  answers.set(id, pagesOf(Object(value)))
  return page(id)
}

function page(id: number): Omit<StoreReply, 'id'> {
  const pages = answers.get(id) ?? []
  const value = pages.shift()
  const more = pages.length > 0
  if (!more) answers.delete(id)
  return { value, more }
}

function collect(id: number, entries: readonly unknown[]): void {
  const list = lists.get(id)
  if (list === undefined) lists.set(id, [...entries])
  else list.push(...entries)
}

function serve(core: StoreCore): void {
  parentPort?.on('message', (message: StoreMessage) => {
    if ('entries' in message) return collect(message.id, message.entries)
    if ('next' in message) return attempt(message.id, () => page(message.id))
    attempt(message.id, () => answer(core, message))
    // Without a port to listen on the thread ends.
    if (message.method === 'close') parentPort?.close()
  })
}

// Should the store not open, nothing listens to the port, and the thread ends by itself.
attempt(0, () => {
  const core =
    start.kind === 'json' ? new JsonDatabase(start.file, start) : new SqliteDatabase(start.file, start)
  serve(core)
  return { value: core.installId }
})
