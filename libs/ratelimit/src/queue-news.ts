import type { QueueGuest, QueueSlot } from './queue-types.ts'

interface Word {
  readonly guest: QueueGuest
  readonly slot: QueueSlot | undefined
  readonly reason: Error | undefined
}

/** Tells guests what became of them once the queue is done with what it is at. */
export class QueueNews {
  #words: Word[] = []

  slot(guest: QueueGuest, slot: QueueSlot): void {
    this.#add({ guest, slot, reason: undefined })
  }

  refused(guest: QueueGuest, reason: Error): void {
    this.#add({ guest, slot: undefined, reason })
  }

  #add(word: Word): void {
    if (this.#words.push(word) === 1) queueMicrotask(this.#tell)
  }

  readonly #tell = (): void => {
    const words = this.#words
    this.#words = []
    for (const { guest, slot, reason } of words) {
      if (slot === undefined) guest.onRefused(reason!)
      else guest.onSlot(slot)
    }
  }
}
