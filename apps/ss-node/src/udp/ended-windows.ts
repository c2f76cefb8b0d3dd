import type { PacketWindow } from '@sluice/wire/shadowsocks'
import type { SsUser } from '../ss-user.ts'

/** A packet may come from 30 s before its time to 30 s after, by clocks of whole seconds (SIP022 §3.2.4). */
const KEEP_MS = 62_000
/** A KiB each. */
const MOST = 16_384

interface Ended {
  readonly window: PacketWindow
  readonly at: number
}

/**
 * What came in sessions that are over, for as long as it could come again: whoever was cut off might be heard a second
 * time otherwise. A session that goes on under its old ID goes on with its old window.
 */
export class EndedWindows {
  readonly #now: () => number
  readonly #most: number
  /** In the order in which they ended. */
  readonly #ended = new Map<string, Ended>()

  /** @param now monotonic, ms */
  constructor(now: () => number = () => performance.now(), most: number = MOST) {
    this.#now = now
    this.#most = most
  }

  get size(): number {
    return this.#ended.size
  }

  keep(user: SsUser, sessionId: bigint, window: PacketWindow): void {
    this.#forgetLate()
    const key = keyOf(user, sessionId)
    this.#ended.delete(key)
    this.#ended.set(key, { window, at: this.#now() })
    if (this.#ended.size > this.#most) this.#ended.delete(this.#ended.keys().next().value!)
  }

  find(user: SsUser, sessionId: bigint): PacketWindow | undefined {
    this.#forgetLate()
    return this.#ended.get(keyOf(user, sessionId))?.window
  }

  #forgetLate(): void {
    const since = this.#now() - KEEP_MS
    for (const [key, { at }] of this.#ended) {
      if (at > since) return
      this.#ended.delete(key)
    }
  }
}

/** By the hash of the key, which outlives a user who goes and comes again: another's session of that ID is another one. */
const keyOf = ({ hash }: SsUser, sessionId: bigint): string => `${sessionId} ${hash}`
