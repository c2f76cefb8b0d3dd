import type { QueueGuest, QueuePlace, QueueSlot } from './queue-types.ts'

/** A slot of whoever `join` lets in, or why there is none; when `signal` aborts first, its reason. */
export const promisedSlot = (
  signal: AbortSignal | undefined,
  join: (guest: QueueGuest) => QueuePlace | undefined,
): Promise<QueueSlot> =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const release = (): void => signal?.removeEventListener('abort', onAbort)
    const place = join({
      onSlot: (slot) => {
        release()
        resolve(slot)
      },
      onRefused: (reason) => {
        release()
        reject(reason)
      },
    })
    const onAbort = (): void => {
      // Where there is a slot already, it is resolved with that all the same.
      if (place?.leave()) reject(signal?.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
  })
