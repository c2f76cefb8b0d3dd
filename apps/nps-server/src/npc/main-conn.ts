import { type ConnSink, NetError } from '@sluice/net'
import type { Account, Serving } from '@sluice/service'
import { decodeNpcReport, encodeNpcSignal, type NpcReport, type NpcSignal } from '@sluice/wire/npc'
import { NpcControl } from './control-conn.ts'
import type { NpcArrival } from './handshake.ts'

const NOTHING = new Uint8Array(0)

export interface NpcMainParts {
  /** Of the client's user. */
  readonly account: Account
  /** It is here. */
  readonly onServe: (main: NpcMain) => void
  readonly onReport: (main: NpcMain, report: NpcReport) => void
  /** The program stops. */
  readonly onShutdown: (main: NpcMain) => void
  /** It is no more; not after `end`. */
  readonly onEnd: (main: NpcMain) => void
}

/** The conn for signals of one program. */
export class NpcMain extends NpcControl implements ConnSink {
  readonly protocol = 'npc-main'
  /** It carries no payload, and lasts as long as its program does. */
  readonly mirrors = true
  readonly #parts: NpcMainParts
  #rest: Uint8Array = NOTHING
  #settle: ((error: Error | undefined) => void) | undefined = undefined
  #isBlocked = false

  constructor(arrival: NpcArrival, parts: NpcMainParts) {
    super(arrival, parts.account)
    this.#parts = parts
  }

  serve(session: Serving): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error))
      session.onStop = (error): void => this.#over(error)
      session.onShutdown = (): void => this.#parts.onShutdown(this)
      this.#parts.onServe(this)
      if (this.#settle === undefined) return
      this.conn.attach(this)
      this.conn.resume()
    })
  }

  /** Lost where the program does not read what it is told. */
  send(signal: NpcSignal): void {
    if (this.#isBlocked || this.#settle === undefined) return
    this.#isBlocked = !this.conn.write(encodeNpcSignal(signal))
  }

  /** @param error the outcome; none: an ordinary end */
  end(error: Error | undefined): void {
    const settle = this.#settle
    if (settle === undefined) return
    this.#settle = undefined
    this.conn.attach(undefined)
    this.conn.destroy()
    settle(error)
  }

  /** @internal */
  onData(chunk: Uint8Array): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    try {
      for (;;) {
        const report = decodeNpcReport(bytes)
        if (report === undefined) break
        bytes = bytes.subarray(report.size)
        this.#parts.onReport(this, report.value)
      }
    } catch (error) {
      return this.#over(error as Error)
    }
    // Copied: the chunk is only lent.
    this.#rest = bytes.slice()
  }

  /** @internal */
  onEnd(): void {
    this.#over(undefined)
  }

  /** @internal */
  onDrain(): void {
    this.#isBlocked = false
  }

  /** @internal */
  onClose(cause: Error | undefined): void {
    this.#over(cause && new NetError('CLIENT_RESET', 'the program’s connection broke', { cause }))
  }

  #over(error: Error | undefined): void {
    if (this.#settle === undefined) return
    this.end(error)
    this.#parts.onEnd(this)
  }
}
