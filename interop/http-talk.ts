import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Whoever says nothing for so long will not say anything. */
const SILENT_MS = 5000

/** What a client of plain HTTP was told, and what its origin heard; one character a byte. */
export interface Talk {
  readonly told: string
  /** How the client's connection went: `open` where nobody ended it. */
  readonly end: 'end' | 'reset' | 'open'
  /** Of all conns together, one behind the other. */
  readonly heard: string
}

/** What an origin does with each message once that is whole: says this, and then ends or resets where it should. */
export interface Answer {
  readonly text: string
  readonly ending?: 'end' | 'reset'
  /** Said already when the head has come. */
  readonly early?: string
}

/** The first whole message of some bytes, as long as it is; 0 where there is none. Lenient, and not to be imitated. */
const messageSize = (text: string): number => {
  const head = /^[^]*?\r?\n\r?\n/.exec(text)?.[0]
  if (head === undefined) return 0
  if (/^transfer-encoding:.*chunked/im.test(head)) {
    const body = /(?:^|\n)0+[^\n]*\n(?:[^\r\n]+\r?\n)*\r?\n/.exec(text.slice(head.length))
    return body === null ? 0 : head.length + body.index + body[0].length
  }
  const length = Number(/^content-length:\s*\+?(\d+)/im.exec(head)?.[1] ?? 0)
  return text.length >= head.length + length ? head.length + length : 0
}

const serve = (socket: Socket, answer: Answer, hear: (text: string) => void): void => {
  let rest = ''
  let isContinued = false
  socket
    .on('error', () => {})
    .on('data', (chunk: Buffer) => {
      hear(chunk.toString('latin1'))
      rest += chunk.toString('latin1')
      if (!isContinued && answer.early !== undefined && rest.includes('\r\n\r\n')) {
        isContinued = true
        socket.write(answer.early, 'latin1')
      }
      for (let size = messageSize(rest); size > 0; size = messageSize(rest)) {
        rest = rest.slice(size)
        socket.write(answer.text, 'latin1')
        // A reset would overtake the answer.
        if (answer.ending === 'reset') setTimeout(() => socket.resetAndDestroy(), 100)
        if (answer.ending === 'end') socket.end()
      }
    })
}

/** A target that is asked by one talk alone. */
export class TalkOrigin implements AsyncDisposable {
  heard = ''
  readonly port: number
  readonly #sockets: Set<Socket>
  readonly #close: () => void

  /** On a free port of every address of this machine. */
  static async open(answer: Answer): Promise<TalkOrigin> {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      serve(socket, answer, (text) => (origin.heard += text))
    }).listen(0, '::')
    await once(server, 'listening')
    const origin: TalkOrigin = new TalkOrigin((server.address() as AddressInfo).port, sockets, () =>
      server.close(),
    )
    return origin
  }

  private constructor(port: number, sockets: Set<Socket>, close: () => void) {
    this.port = port
    this.#sockets = sockets
    this.#close = close
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close()
    for (const socket of this.#sockets) socket.destroy()
    await Promise.resolve()
  }
}

/** Says each message to 127.0.0.1:`port` once something came after the one before it, and listens until the end. */
export const talk = async (port: number, messages: readonly string[], origin: TalkOrigin): Promise<Talk> => {
  const socket = connect(port, '127.0.0.1')
  let told = ''
  let end: Talk['end'] = 'open'
  socket
    .on('error', () => (end = 'reset'))
    .on('end', () => (end = 'end'))
    .on('data', (chunk: Buffer) => (told += chunk.toString('latin1')))
    .setTimeout(SILENT_MS, () => socket.destroy())
  const closed = once(socket, 'close').catch(() => {})
  for (const [at, message] of messages.entries()) {
    if (at > 0) await Promise.race([once(socket, 'data').catch(() => {}), closed])
    if (!socket.destroyed) socket.write(message, 'latin1')
  }
  await closed
  return { told, end, heard: origin.heard }
}

/** A response that a client was told, final or not. */
export interface Told {
  readonly status: string
  readonly head: string
  /** Without the framing of chunks. */
  readonly body: string
  /** All of the body came that its framing promised. */
  readonly isWhole: boolean
}

/** What a client that was told this takes it for, if it has asked with this method, and what is left over. */
export const responsesOf = (
  told: string,
  method: string,
): { readonly responses: readonly Told[]; readonly rest: string } => {
  const responses: Told[] = []
  let rest = told
  for (;;) {
    const [head, status = ''] = /^HTTP\/1\.[01] (\d{3})[^]*?\r\n\r\n/.exec(rest) ?? []
    if (head === undefined) return { responses, rest }
    const { body, size, isWhole } = takeBody(head, rest.slice(head.length), method, status)
    responses.push({ status, head, body, isWhole })
    rest = rest.slice(head.length + size)
  }
}

/** Of all responses, interim ones included. */
export const statusesOf = (responses: readonly Told[]): string =>
  responses.map(({ status }) => status).join(' ') || 'nothing'

interface TakenBody {
  readonly body: string
  readonly size: number
  readonly isWhole: boolean
}

const takeBody = (head: string, rest: string, method: string, status: string): TakenBody => {
  if (/^(?:1(?!01)|204|304)/.test(status) || method === 'HEAD') return { body: '', size: 0, isWhole: true }
  if (/^transfer-encoding: *chunked/im.test(head)) return takeChunks(rest)
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? NaN)
  if (Number.isNaN(length)) return { body: rest, size: rest.length, isWhole: true }
  return { body: rest.slice(0, length), size: length, isWhole: rest.length >= length }
}

const takeChunks = (text: string): TakenBody => {
  let body = ''
  let at = 0
  for (;;) {
    const [line, digits = ''] = /^([0-9a-f]+)[^\n]*\r\n/i.exec(text.slice(at)) ?? []
    if (line === undefined) return { body, size: text.length, isWhole: false }
    const size = Number.parseInt(digits, 16)
    at += line.length
    if (size > 0) {
      body += text.slice(at, at + size)
      at += size + 2
      continue
    }
    const trailers = /^(?:[^\r\n]+\r\n)*\r\n/.exec(text.slice(at))
    return { body, size: at + (trailers?.[0].length ?? 0), isWhole: trailers !== null }
  }
}
