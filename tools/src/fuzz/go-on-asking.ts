import { setTimeout as sleep } from 'node:timers/promises'

export interface Asked {
  /** How often a proper client was served. */
  readonly rounds: number
  readonly flaws: string[]
}

const PAUSE_MS = 100

/**
 * Asks, and where that fails once more: on a machine that has too much to do an answer may come after its deadline. Who is
 * not served fails twice.
 */
export async function askTwice(ask: () => Promise<void>): Promise<void> {
  try {
    await ask()
  } catch (first) {
    try {
      await ask()
    } catch (second) {
      throw new Error(`${String(second)}; before that: ${String(first)}`, { cause: second })
    }
  }
}

/** A proper client among all others: asks as long as `goesOn`, and when that is over. */
export async function goOnAsking(ask: () => Promise<void>, goesOn: () => boolean): Promise<Asked> {
  let rounds = 0
  try {
    for (; goesOn(); rounds += 1) {
      await askTwice(ask)
      await sleep(PAUSE_MS)
    }
    await askTwice(ask)
    return { rounds, flaws: [] }
  } catch (error) {
    return { rounds, flaws: [`a proper client is not served: ${String(error)}`] }
  }
}
