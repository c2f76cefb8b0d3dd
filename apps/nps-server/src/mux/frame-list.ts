const FIRST_BYTES = 128
const KEPT_BYTES = 4096

/** Small frames that wait for the next write to the carrier. */
export class FrameList {
  bytes: Uint8Array = new Uint8Array(FIRST_BYTES)
  size = 0

  /** @returns where in `bytes` a frame of so many octets goes */
  add(octets: number): number {
    const at = this.size
    this.size += octets
    if (this.size > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.size, 2 * this.bytes.length))
      larger.set(this.bytes.subarray(0, at))
      this.bytes = larger
    }
    return at
  }

  push(frame: Uint8Array): void {
    const at = this.add(frame.length)
    this.bytes.set(frame, at)
  }

  /** Moves all of it to `out`. */
  moveTo(out: Uint8Array, at: number): void {
    out.set(this.size === this.bytes.length ? this.bytes : this.bytes.subarray(0, this.size), at)
    this.size = 0
    if (this.bytes.length > KEPT_BYTES) this.bytes = new Uint8Array(FIRST_BYTES)
  }

  /** All of it, for good. */
  take(): Uint8Array {
    const taken = this.bytes.subarray(0, this.size)
    this.bytes = new Uint8Array(FIRST_BYTES)
    this.size = 0
    return taken
  }
}
