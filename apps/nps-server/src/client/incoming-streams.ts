import type { Conn, Dial } from '@sluice/net'
import { type CallerLocate, codeOf, type Log, ServiceError } from '@sluice/service'
import type { StreamHeader } from '@sluice/wire/bridge'
import { refuseStream } from '../bridge/answer-stream.ts'
import { readStreamHeader } from '../bridge/read-stream-header.ts'
import type { FileServer } from './files/file-server.ts'
import { servePackets, serveUdp } from './serve-datagrams.ts'
import { serveTcp } from './serve-tcp.ts'
import type { Traffic } from './traffic.ts'

export interface IncomingParts {
  readonly dial: Dial
  readonly locate: CallerLocate
  /** Left out: no files are served. */
  readonly files: Pick<FileServer, 'serve' | 'drain'> | undefined
  readonly traffic: Traffic
  readonly log: Log
}

/** Ends what a stream runs, from outside. */
export interface Cut {
  onCut: ((error: Error) => void) | undefined
}

/** How long a stream may take to say what it is for. */
const HEADER_MS = 10_000

/** Streams that the server opens at a client program: each is led to its target. */
export class IncomingStreams {
  readonly #parts: IncomingParts
  readonly #running = new Set<Cut>()
  #onEmpty: (() => void) | undefined = undefined
  #isDraining = false

  constructor(parts: IncomingParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#running.size
  }

  take(stream: Conn): void {
    void this.#serve(stream)
  }

  /** Resolves when the last stream has ended; new ones are refused. */
  async drained(): Promise<void> {
    this.#isDraining = true
    this.#parts.files?.drain()
    if (this.#running.size === 0) return
    await new Promise<void>((resolve) => (this.#onEmpty = resolve))
  }

  cutAll(): void {
    for (const cut of [...this.#running]) cut.onCut?.(new ServiceError('SHUTDOWN'))
  }

  /** Never rejects. */
  async #serve(stream: Conn): Promise<void> {
    const cut: Cut = { onCut: () => stream.reset() }
    this.#running.add(cut)
    try {
      const header = await readStreamHeader(stream, HEADER_MS)
      if (this.#isDraining) await refuseStream(stream, 'SHUTDOWN')
      else await this.#lead(stream, header, cut)
    } catch (error) {
      await refuseStream(stream, codeOf(error))
    } finally {
      stream.destroy()
      this.#running.delete(cut)
      if (this.#running.size === 0) this.#onEmpty?.()
    }
  }

  async #lead(stream: Conn, header: StreamHeader, cut: Cut): Promise<void> {
    const { files } = this.#parts
    if (header.type === 'tcp') await serveTcp(stream, header, cut, this.#parts)
    else if (header.type === 'udp') await serveUdp(stream, header, cut, this.#parts)
    else if (header.type === 'packets') await servePackets(stream, header, cut, this.#parts)
    else if (header.type === 'file' && files !== undefined) await files.serve(stream, header, cut)
    else await refuseStream(stream, 'COMMAND_UNSUPPORTED')
  }
}
