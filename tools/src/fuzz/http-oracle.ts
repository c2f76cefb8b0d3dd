import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { Duplex } from 'node:stream'
import {
  type BodyFraming,
  BodyScan,
  CHUNKED,
  decodeRequestHead,
  decodeResponseHead,
  forwardRequest,
  forwardResponse,
  WireError,
} from '@sluice/wire'

/** A message that was read to its end. */
export interface Message {
  readonly start: string
  /** Of its body, without the framing of chunks. */
  readonly size: number
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** The messages that a client's bytes are to us, up to the first that is refused or not whole. */
export function ourRequests(bytes: Uint8Array): Message[] {
  return untilRefused((messages) => {
    let rest = bytes
    for (;;) {
      const head = decodeRequestHead(rest)
      if (head === undefined) return
      const { method, target } = head.value
      const { body: framing, close } = forwardRequest(head.value, 'fuzz')
      const body = takeBody(rest.subarray(head.size), framing)
      if (body === undefined) return
      messages.push({ start: `${method} ${target}`, size: body.size })
      rest = rest.subarray(head.size + body.end)
      if (close) return
    }
  })
}

/** The one response that a target's bytes are to us, where it is one; interim ones are left out. */
export function ourResponse(bytes: Uint8Array, method: string): Message | undefined {
  return untilRefused((messages) => {
    let rest = bytes
    for (;;) {
      const head = decodeResponseHead(rest)
      if (head === undefined) return
      const { status } = head.value
      const { body } = forwardResponse(head.value, method, 'fuzz')
      rest = rest.subarray(head.size)
      if (status < 200 && status !== 101) continue
      const taken = takeBody(rest, body, true)
      if (taken !== undefined) messages.push({ start: String(status), size: taken.size })
      return
    }
  })[0]
}

function untilRefused(read: (messages: Message[]) => void): Message[] {
  const messages: Message[] = []
  try {
    read(messages)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
  }
  return messages
}

function takeBody(
  bytes: Uint8Array,
  framing: BodyFraming,
  isAll = false,
): { end: number; size: number } | undefined {
  const scan = new BodyScan()
  scan.begin(framing)
  // In two parts, since that must not matter.
  const half = bytes.subarray(0, bytes.length >> 1)
  let end = scan.ended ? 0 : scan.scan(half, 0)
  if (!scan.ended) end = scan.scan(bytes, end)
  if (!scan.ended && !(isAll && scan.close())) return undefined
  return { end, size: framing === CHUNKED ? payloadOf(latin1(bytes.subarray(0, end))) : end }
}

/** Of a chunked body that is known to be right. */
function payloadOf(body: string): number {
  let sum = 0
  for (let at = 0; ;) {
    const lineEnd = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.slice(at, lineEnd), 16)
    if (size === 0) return sum
    sum += size
    at = lineEnd + 2 + size + 2
  }
}

/** One end of a connection that brings some bytes and their end, and takes whatever it is told. */
function said(bytes: Uint8Array): Duplex {
  const duplex = new Duplex({
    read: () => {},
    write: (_chunk, _encoding, done) => done(),
    allowHalfOpen: true,
  })
  duplex.on('error', () => {})
  duplex.push(bytes)
  duplex.push(null)
  return duplex
}

/** Node's own parser, as it comes: what its server and its client make of bytes. */
export class NodeHttp {
  readonly #server: Server
  readonly #seen = new WeakMap<object, Message[]>()

  constructor() {
    this.#server = createServer({ insecureHTTPParser: false }, (message, response) =>
      this.#onRequest(message, response),
    )
    // Left open: what came before the error has still to be told.
    this.#server.on('clientError', () => {})
  }

  /** Resolves once all has been read that can be. */
  async requests(bytes: Uint8Array): Promise<Message[]> {
    const socket = said(bytes)
    const messages: Message[] = []
    this.#seen.set(socket, messages)
    this.#server.emit('connection', socket)
    await settled()
    socket.destroy()
    return messages
  }

  async response(bytes: Uint8Array, method: string): Promise<Message | undefined> {
    const socket = said(bytes)
    let found: Message | undefined = undefined
    const asked = request(
      { method, createConnection: () => socket, insecureHTTPParser: false },
      (message) => {
        collect(message, (size) => {
          if (message.complete) found = { start: String(message.statusCode), size }
        })
      },
    )
    asked
      .on('error', () => {})
      .on('upgrade', ({ statusCode }) => (found = { start: String(statusCode), size: 0 }))
    asked.end()
    await settled()
    socket.destroy()
    return found
  }

  #onRequest(message: IncomingMessage, response: ServerResponse): void {
    const messages = this.#seen.get(message.socket)
    const at = messages?.push({ start: `${message.method} ${message.url}`, size: -1 }) ?? 0
    collect(message, (size) => {
      if (message.complete && messages !== undefined) messages[at - 1] = { ...messages[at - 1]!, size }
      response.end()
    })
  }
}

function collect(message: IncomingMessage, done: (size: number) => void): void {
  let size = 0
  message
    .on('data', (chunk: Buffer) => (size += chunk.length))
    .on('end', () => done(size))
    .on('error', () => {})
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
