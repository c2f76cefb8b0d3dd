import { type ConnSink, LaneWriter, NetError, refuse } from '@sluice/net'
import { codeOf, ServiceError, type Serving } from '@sluice/service'
import { openCompat } from '@sluice/wire'
import { writeRequestLine } from '../api/request-line.ts'
import { type CompatAnswer, compatRefusal } from './compat-answer.ts'
import { CompatJob } from './compat-job.ts'
import { readCompatRequest } from './compat-request.ts'
import { type FramePart, FrameReader } from './frame-reader.ts'
import { HeldPart } from '../held-bytes.ts'
import { COMPAT_DEADLINES, type CompatSettings } from './settings.ts'

const PIECE_BYTES = 64 * 1024
const NOTHING = new Uint8Array(0)
const TAKES_ALL = { write: (): boolean => true }

/** Reads a request; has it made; sends its answer; has no requests any more. */
const READING = 0
const ASKING = 1
const ANSWERING = 2
const OVER = 3

/** A connection of one of the original's clients: a request, its answer, and so on. */
export class CompatClient implements ConnSink {
  readonly #session: Serving
  readonly #settings: CompatSettings
  readonly #held: HeldPart
  readonly #reader: FrameReader
  readonly #up: LaneWriter
  readonly #down: LaneWriter
  #phase = READING
  #isReading = false
  #part: FramePart | undefined = undefined
  #deadline: NodeJS.Timeout | undefined = undefined
  #job: CompatJob | undefined = undefined
  #answer: CompatAnswer | undefined = undefined
  #sent = 0
  #isLast: boolean
  #settle: (error?: Error) => void = () => {}

  constructor(session: Serving, settings: CompatSettings) {
    this.#session = session
    this.#settings = settings
    this.#held = new HeldPart(settings.held)
    this.#reader = new FrameReader(this.#held)
    this.#isLast = !settings.keepAlive
    this.#up = new LaneWriter(session.lanes.up, { onFree: () => this.#ask() })
    // What is posted is here already: it only has to have leave.
    this.#up.to = TAKES_ALL
    this.#down = new LaneWriter(session.lanes.down, { onFree: () => this.#pour() })
    this.#down.to = session.conn
  }

  /**
   * Settles when the connection is over. @throws what ended it, other than its client between two requests
   * @param length of the first request's payload: its head has been read
   */
  run(length: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error): void => (error === undefined ? resolve() : reject(error))
      const stop = (error: Error): void => this.#stop(error)
      const shutDown = (): void => this.#onShutdown()
      this.#settle = settle
      this.#session.onStop = stop
      this.#session.onShutdown = shutDown
      this.#session.conn.attach(this)
      this.#reader.begin(length)
      this.#read()
    })
  }

  onData(chunk: Uint8Array): void {
    this.#reader.rest = chunk
    if (this.#phase === READING) this.#read()
    else this.#session.conn.pause()
  }

  /** None of the original's clients half-closes: who ends has left, and takes the request along. */
  onEnd(): void {
    if (this.#isWaiting) this.#close()
    else if (this.#phase !== ANSWERING) this.#lost(undefined)
    this.#isLast = true
  }

  onDrain(): void {
    this.#down.onDrain()
  }

  onClose(cause: Error | undefined): void {
    if (this.#isWaiting) this.#close()
    else this.#lost(cause)
  }

  /** Between two requests. */
  get #isWaiting(): boolean {
    return this.#phase === READING && this.#reader.part === 'frame'
  }

  /** Reads what has come, as far as its turn is. What comes behind a request waits until that is answered. */
  #read(): void {
    if (this.#isReading) return
    this.#isReading = true
    try {
      while (this.#phase === READING && this.#readFrame());
    } catch (error) {
      this.#refuse(error as Error)
    }
    this.#isReading = false
    this.#listen()
  }

  /** @returns whether there was a whole one */
  #readFrame(): boolean {
    const payload = this.#reader.take()
    if (payload === undefined) this.#watch(this.#reader.part)
    else this.#begin(payload)
    return payload !== undefined
  }

  /** Whatever the phase, the client is listened to as far as possible, if only to see it leave. */
  #listen(): void {
    if (this.#phase === OVER) return
    if (this.#reader.rest === undefined) this.#session.conn.resume()
    else this.#session.conn.pause()
  }

  /** Each part of a request has a deadline of its own. */
  #watch(part: FramePart | undefined): void {
    if (part === this.#part) return
    this.#part = part
    clearTimeout(this.#deadline)
    if (part !== undefined) this.#deadline = setTimeout(() => this.#tooSlow(), COMPAT_DEADLINES[part])
  }

  #begin(payload: Uint8Array): void {
    this.#phase = ASKING
    this.#watch(undefined)
    this.#session.touch()
    const job = (this.#job = new CompatJob(this.#held, (answer) => this.#send(answer)))
    try {
      job.request = readCompatRequest(openCompat(payload))
    } catch (error) {
      return job.onFailed(error)
    }
    if (job.request.body === undefined || this.#up.write(job.request.body)) this.#ask()
  }

  #ask(): void {
    this.#job?.start(this.#session, this.#settings)
  }

  #send(answer: CompatAnswer): void {
    this.#phase = ANSWERING
    this.#answer = answer
    const { frame, bodyBytes } = answer
    const lead = frame.length - bodyBytes
    this.#sent = Math.max(lead, Math.min(frame.length, PIECE_BYTES))
    this.#down.writeInstead(frame.subarray(0, this.#sent), lead, 0)
    this.#pour()
  }

  /** Piece by piece, so that it can be seen how much the client has taken. */
  #pour(): void {
    while (this.#phase === ANSWERING && this.#down.free) {
      const { frame } = this.#answer!
      if (this.#sent === frame.length) return this.#answered()
      const piece = frame.subarray(this.#sent, this.#sent + PIECE_BYTES)
      this.#sent += piece.length
      this.#down.write(piece)
    }
  }

  #answered(): void {
    this.#report()
    this.#phase = READING
    this.#held.clear()
    if (this.#isLast) this.#leave(NOTHING)
    else this.#read()
  }

  /** The end of the request, whatever came of it. */
  #report(): void {
    if (this.#job === undefined) return
    const done = this.#job.done(this.#session, this.#answer)
    this.#job = undefined
    this.#answer = undefined
    writeRequestLine(this.#session, done)
    this.#settings.onRequestDone?.(done)
  }

  /** What is no request of the original's gets no answer; who cannot be served now is told so. */
  #refuse(error: Error): void {
    if (error instanceof ServiceError) this.#leave(compatRefusal(error.code).frame, error)
    else this.#close(error)
  }

  #tooSlow(): void {
    if (this.#isWaiting) this.#close()
    else this.#close(new NetError('HANDSHAKE_TIMEOUT', 'the request is too slow'))
  }

  #lost(cause: Error | undefined): void {
    if (this.#phase === OVER) return
    const code = cause === undefined ? 'CLIENT_CLOSED' : 'CLIENT_RESET'
    this.#cut(new NetError(code, 'the client left within a request', { cause }))
  }

  #stop(error: Error): void {
    if (this.#isWaiting || this.#phase === ANSWERING) return this.#cut(error)
    this.#job?.cancel(error)
    this.#leave(compatRefusal(codeOf(error)).frame, error)
  }

  #onShutdown(): void {
    this.#isLast = true
    if (this.#isWaiting) this.#close()
  }

  #cut(error: Error): void {
    this.#job?.cancel(error)
    if (this.#phase === ANSWERING) this.#session.conn.reset()
    this.#close(error)
  }

  #close(error?: Error): void {
    if (this.#phase === OVER) return
    this.#end()
    this.#settle(error)
  }

  /** Sees to it that the last words arrive. */
  #leave(words: Uint8Array, error?: Error): void {
    this.#end()
    void refuse(this.#session.conn, words).then(() => this.#settle(error))
  }

  #end(): void {
    this.#phase = OVER
    this.#watch(undefined)
    this.#report()
    this.#held.clear()
    this.#session.onStop = this.#session.onShutdown = undefined
    this.#up.clear()
    this.#down.clear()
  }
}
