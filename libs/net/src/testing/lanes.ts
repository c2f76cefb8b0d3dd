import type { Lane, Limiter } from '../lane-writer.ts'

/** A lane that counts, with a limiter where one is given. */
export class CountingLane implements Lane {
  limiter: Limiter | undefined
  counted = 0
  onGrant: (bytes: number) => void = () => {}
  onCount: () => void = () => {}

  constructor(limiter?: Limiter) {
    this.limiter = limiter
  }

  count(bytes: number): void {
    this.counted += bytes
    this.onCount()
  }
}

/** A lane whose bytes go when the test grants them; what is asked for meanwhile waits. */
export class HeldLane extends CountingLane implements Limiter {
  asked = 0

  constructor() {
    super()
    this.limiter = this
  }

  take(bytes: number): number {
    if (bytes < 1) throw new Error(`asked for ${bytes} bytes`)
    if (this.asked > 0) throw new Error('asked again before the grant')
    this.asked = bytes
    return 0
  }

  /** @param bytes of those asked for; all of them without it */
  grant(bytes: number = this.asked): void {
    this.asked = 0
    this.onGrant(bytes)
  }
}
