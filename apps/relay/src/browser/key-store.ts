import type { WebKeyPair } from './web-key.ts'

const DATABASE = 'sluice-relay'
const STORE = 'keys'

/** Key pairs that outlive a page. */
export interface KeyStore {
  get(name: string): Promise<WebKeyPair | undefined>
  /** @returns the pair that is there now: `keys`, unless there was one already */
  add(name: string, keys: WebKeyPair): Promise<WebKeyPair>
  close(): void
}

/** As much of IndexedDB as is used here: the types of browsers would make all of theirs known to code that runs in Node. */
interface Asked<T> {
  readonly result: T
  readonly error: Error | null
  addEventListener(type: 'success' | 'error' | 'upgradeneeded', listener: () => void): void
}
interface Database {
  createObjectStore(name: string): unknown
  transaction(name: string, mode: 'readonly' | 'readwrite'): { objectStore(name: string): ObjectStore }
  close(): void
}
interface ObjectStore {
  get(key: string): Asked<WebKeyPair | undefined>
  put(value: WebKeyPair, key: string): Asked<unknown>
}
declare const indexedDB: { open(name: string, version: number): Asked<Database> }

const answer = <T>(asked: Asked<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    asked.addEventListener('success', () => resolve(asked.result))
    asked.addEventListener('error', () => reject(asked.error ?? new Error('IndexedDB failed')))
  })

/** Keys in IndexedDB, which keeps them without showing them. */
export const openKeyStore = async (): Promise<KeyStore> => {
  const asked = indexedDB.open(DATABASE, 1)
  asked.addEventListener('upgradeneeded', () => void asked.result.createObjectStore(STORE))
  const database = await answer(asked)
  const store = (mode: 'readonly' | 'readwrite'): ObjectStore =>
    database.transaction(STORE, mode).objectStore(STORE)
  return {
    get: (name) => answer(store('readonly').get(name)),
    add: async (name, keys) => {
      // One transaction for both, so that nobody comes in between.
      const open = store('readwrite')
      const there = await answer(open.get(name))
      if (there !== undefined) return there
      await answer(open.put(keys, name))
      return keys
    },
    close: () => database.close(),
  }
}
