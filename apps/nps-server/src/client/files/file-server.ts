import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Conn } from '@sluice/net'
import { codeOf, type Log, ServiceError } from '@sluice/service'
import type { StreamHeader } from '@sluice/wire/bridge'
import { acceptStream } from '../../bridge/answer-stream.ts'
import type { Cut } from '../incoming-streams.ts'
import type { Traffic } from '../traffic.ts'
import { shownNames } from './asked-path.ts'
import { answerOf, type FilePlace, type FileSource } from './file-answer.ts'
import { statusPage } from './page.ts'
import { ServedFolder } from './served-folder.ts'
import { VisitorStream } from './visitor-stream.ts'

export interface FileServerOptions {
  /** What is below it, and nothing else, is served. */
  readonly folder: string
  /** Folders without an index.html show what is in them. */
  readonly listing: boolean
  readonly traffic: Traffic
  readonly log: Log
  /** How long a visitor may take to ask, ms. @default 60,000 */
  readonly idleMs?: number | undefined
}

const IDLE_MS = 60_000

/** Answers streams of `file` tunnels over HTTP/1.1 with files of a folder. */
export class FileServer {
  readonly #options: FileServerOptions
  readonly #source: FileSource
  readonly #http: Server
  readonly #places = new WeakMap<Duplex, FilePlace>()
  readonly #visitors = new Set<VisitorStream>()
  #isDraining = false

  constructor(options: FileServerOptions) {
    this.#options = options
    this.#source = { folder: new ServedFolder(options.folder), listing: options.listing }
    const { idleMs: keepAliveTimeout = IDLE_MS } = options
    this.#http = createServer(
      { keepAliveTimeout },
      (request, response) => void this.#answer(request, response),
    )
  }

  /** Serves a stream until it closes. @throws ServiceError TARGET_DENIED where the tunnel's folder cannot be one of these */
  async serve(
    stream: Conn,
    { path, strip }: Extract<StreamHeader, { type: 'file' }>,
    cut: Cut,
  ): Promise<void> {
    const within = shownNames(path)
    if (within === undefined)
      throw new ServiceError('TARGET_DENIED', 'no folder below the one that is served')
    acceptStream(stream)
    const { traffic, idleMs = IDLE_MS } = this.#options
    const visitor = new VisitorStream(stream, traffic, idleMs)
    this.#places.set(visitor, { within, strip })
    this.#visitors.add(visitor)
    cut.onCut = (): void => visitor.cut()
    const closed = new Promise<void>((resolve) => visitor.once('close', resolve))
    this.#http.emit('connection', visitor)
    await closed
    this.#visitors.delete(visitor)
  }

  /** Lets go of visitors that have their answers; the others are let go of once they do. */
  drain(): void {
    this.#isDraining = true
    for (const visitor of this.#visitors) if (visitor.isIdle) visitor.destroySoon()
  }

  /** Never rejects. */
  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const visitor = request.socket as Duplex as VisitorStream
    visitor.asked()
    response.once('close', () => visitor.answered())
    if (this.#isDraining) response.setHeader('Connection', 'close')
    try {
      const { status, headers, body } = await answerOf(request, this.#places.get(visitor)!, this.#source)
      response.writeHead(status, headers)
      await pipeline(body, response)
    } catch (error) {
      this.#options.log.debug({ code: codeOf(error) }, 'file.broke')
      if (response.headersSent) visitor.cut()
      else this.#fail(response)
    }
  }

  #fail(response: ServerResponse): void {
    const { status, headers, body } = statusPage(500, { Connection: 'close' })
    response.writeHead(status, headers).end(body)
  }
}
