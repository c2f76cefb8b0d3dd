// The thread that waits for the disk, so that the program's own need not. It runs one StoreCore, call by call, in the
// order the calls were made.
import { parentPort, workerData } from 'node:worker_threads'
import { JsonDatabase } from './json-database.ts'
import { SqliteDatabase } from './sqlite-database.ts'
import { failureOf, type StoreCall, type StoreReply, type StoreStart } from './store-calls.ts'
import type { StoreCore } from './store-core.ts'
import { asStoreError } from './store-error.ts'

const start: StoreStart = workerData
const reply = (message: StoreReply): void => parentPort?.postMessage(message, [])

function attempt(id: number, run: () => unknown): void {
  try {
    reply({ id, value: run() })
  } catch (error) {
    reply({ id, error: failureOf(asStoreError(error, start.file)) })
  }
}

function serve(core: StoreCore): void {
  parentPort?.on('message', ({ id, method, args }: StoreCall) => {
    attempt(id, () => Reflect.apply(core[method], core, args))
    // Without a port to listen on the thread ends.
    if (method === 'close') parentPort?.close()
  })
}

// Should the store not open, nothing listens to the port, and the thread ends by itself.
attempt(0, () => {
  const core =
    start.kind === 'json' ? new JsonDatabase(start.file, start) : new SqliteDatabase(start.file, start)
  serve(core)
  return core.installId
})
