import { type Conn, NetError } from '@sluice/net'
import { WireError } from '@sluice/wire'
import { NPC_MAX_WINDOW, NPC_MIN_WINDOW, NpcMuxDecoder, type NpcMuxSink } from '@sluice/wire/npc'
import { type MessageStream, type MuxOptions, READ_BUDGET } from './mux.ts'
import { MuxCore } from './mux-core.ts'
import { NpcConn } from './npc-conn.ts'
import { addNpcFrame, newWindows, type NpcEntry, type NpcWindows } from './npc-entry.ts'
import { NpcMessages } from './npc-messages.ts'
import { NpcOpening } from './npc-opening.ts'

/** For the peer to say that it has a stream. */
const OPEN_MS = 10_000
const LAST_ID = 0x7fff_ffff
const NO_WORDS = new Uint8Array()

export interface NpcMuxOptions extends MuxOptions {
  /** As `onStream`, for who has to see where the first messages end. */
  readonly onMessages?: (stream: NpcMessages) => void
}

/** A mux that speaks the protocol of npc 0.26. A server opens the streams; who has `onStream` acts as the client program. */
export class NpcMux extends MuxCore<NpcEntry> {
  declare protected readonly options: NpcMuxOptions
  readonly #decoder: NpcMuxDecoder
  #nextId = 1
  #ping: Uint8Array = NO_WORDS
  #pingedMs = 0

  constructor(options: NpcMuxOptions) {
    super(options)
    const frames: NpcMuxSink = {
      onData: (id, payload, isEnd) => this.entries.get(id)?.onPiece(payload, isEnd),
      onWindow: (id, read, max) => this.entries.get(id)?.onWindow(read, max),
      onOpen: (id) => this.#accept(id),
      onOpened: (id) => this.#opening(id)?.opened(),
      onRefused: (id) => this.#opening(id)?.onPeerClose(),
      onClose: (id) => this.entries.get(id)?.onPeerClose(),
      onPing: (opaque) => this.#pong(opaque),
      onPong: (opaque) => this.#ponged(opaque),
    }
    this.#decoder = new NpcMuxDecoder(frames)
  }

  /**
   * A stream that the peer has taken, within 10 s.
   * @throws ServiceError STREAM_LIMIT, AGENT_LOST; NetError DIAL_TIMEOUT, DIAL_REFUSED; the signal's reason
   */
  open(signal: AbortSignal): Promise<Conn> {
    return this.#open(signal, (id, windows) => new NpcConn(this, id, windows))
  }

  /** @throws as `open` */
  openDatagrams(signal: AbortSignal): Promise<MessageStream> {
    return this.#open(signal, (id, windows) => this.#messages(id, windows))
  }

  protected read(chunk: Uint8Array): void {
    this.#decoder.push(chunk)
  }

  protected sendPing(): void {
    this.#ping = Buffer.from(new Date().toISOString())
    this.#pingedMs = this.clock.now()
    addNpcFrame(this.outbox.control, { type: 'ping', opaque: this.#ping })
  }

  protected farewell(): Uint8Array {
    return NO_WORDS
  }

  async #open<Entry extends NpcEntry>(
    signal: AbortSignal,
    make: (id: number, windows: NpcWindows) => Entry,
  ): Promise<Entry> {
    signal.throwIfAborted()
    this.checkOpen()
    const id = this.#takeId()
    const opening = new NpcOpening(() => this.#put(id, make(id, this.#windows())))
    this.entries.set(id, opening)
    this.#send('open', id)
    const late = new NetError('DIAL_TIMEOUT', 'the client did not take the stream in time')
    const timer = this.clock.after(OPEN_MS, () => opening.fail(late))
    const onAbort = (): void => opening.fail(signal.reason)
    signal.addEventListener('abort', onAbort)
    try {
      return await opening.entry
    } catch (error) {
      this.#giveUp(id, opening)
      throw error
    } finally {
      timer.cancel()
      signal.removeEventListener('abort', onAbort)
    }
  }

  #giveUp(id: number, opening: NpcEntry & { readonly isRefused: boolean }): void {
    if (this.entries.get(id) !== opening) return
    this.forget(id)
    if (!opening.isRefused) this.#send('close', id)
  }

  #opening(id: number): NpcOpening<NpcEntry> | undefined {
    const entry = this.entries.get(id)
    return entry instanceof NpcOpening ? entry : undefined
  }

  #accept(id: number): void {
    if (id <= 0 || this.entries.has(id))
      throw new WireError('WIRE_VALUE', 'a stream with an id that cannot be')
    this.checkAnswers()
    const { onStream, onMessages } = this.options
    const isWanted = (onStream ?? onMessages) !== undefined && !this.isFull
    this.#send(isWanted ? 'opened' : 'refused', id)
    if (!isWanted) return
    if (onMessages === undefined) onStream?.(this.#put(id, new NpcConn(this, id, this.#windows())))
    else onMessages(this.#put(id, this.#messages(id, this.#windows())))
  }

  #messages(id: number, windows: NpcWindows): NpcMessages {
    return new NpcMessages(this, id, windows, (conn) => this.#put(id, conn))
  }

  #put<Entry extends NpcEntry>(id: number, entry: Entry): Entry {
    this.entries.set(id, entry)
    return entry
  }

  /** Those of many streams do not grow as far. */
  #windows(): NpcWindows {
    const share = READ_BUDGET / (this.entries.size + 1)
    return newWindows(Math.max(NPC_MIN_WINDOW, Math.min(NPC_MAX_WINDOW, share)))
  }

  #takeId(): number {
    while (this.entries.has(this.#nextId)) this.#nextId = (this.#nextId % LAST_ID) + 1
    const id = this.#nextId
    this.#nextId = (id % LAST_ID) + 1
    return id
  }

  #send(type: 'open' | 'opened' | 'refused' | 'close', id: number): void {
    addNpcFrame(this.outbox.control, { type, id })
    this.outbox.touch()
  }

  #pong(opaque: Uint8Array): void {
    this.checkAnswers()
    addNpcFrame(this.outbox.control, { type: 'pong', opaque })
    this.outbox.touch()
  }

  #ponged(opaque: Uint8Array): void {
    if (Buffer.compare(opaque, this.#ping) === 0) this.rttMs = this.nowMs - this.#pingedMs
  }
}
