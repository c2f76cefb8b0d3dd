import { randomBytes } from 'node:crypto'
import type { Decode } from '@sluice/wire'
import { Line, type Pipe } from './line.ts'

/** Any will do: what is masked once is sent over and over. */
const MASK = Buffer.from('5a17c3e9', 'hex')
const END_OF_HEAD = '\r\n\r\n'

/** A client's WebSocket (RFC 6455) with binary messages; once `onBytes` is set nobody looks for their borders. */
export class WebSocketLine implements Pipe {
  readonly #line: Line
  #held: Buffer = Buffer.alloc(0)

  private constructor(line: Line) {
    this.#line = line
  }

  static async dial(port: number, subprotocol?: string): Promise<WebSocketLine> {
    const line = await Line.dial(port)
    const wanted = subprotocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]
    const fields = [
      'GET / HTTP/1.1',
      `Host: 127.0.0.1:${port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      ...wanted,
    ]
    line.write(Buffer.from(fields.join('\r\n') + END_OF_HEAD))
    const head = await line.read(responseHead)
    if (!head.startsWith('HTTP/1.1 101')) throw new Error(`no WebSocket: ${head}`)
    return new WebSocketLine(line)
  }

  get onDrain(): () => void {
    return this.#line.onDrain
  }
  set onDrain(onDrain: () => void) {
    this.#line.onDrain = onDrain
  }
  get onBytes(): ((bytes: Uint8Array) => void) | undefined {
    return this.#line.onBytes
  }
  set onBytes(onBytes: ((bytes: Uint8Array) => void) | undefined) {
    this.#line.onBytes = onBytes
  }

  wrap(payload: Uint8Array): Uint8Array {
    const masked = Buffer.from(payload)
    for (let at = 0; at < masked.length; at++) masked[at]! ^= MASK[at % 4]!
    return Buffer.concat([messageHead(payload.length), MASK, masked])
  }

  write(bytes: Uint8Array): boolean {
    return this.#line.write(bytes)
  }

  async read<T>(decode: Decode<T>): Promise<T> {
    for (;;) {
      const decoded = this.#held.length > 0 ? decode(this.#held) : undefined
      if (decoded !== undefined) {
        this.#held = this.#held.subarray(decoded.size)
        return decoded.value
      }
      this.#held = Buffer.concat([this.#held, await this.#line.read(message)])
    }
  }

  close(): void {
    this.#line.close()
  }
}

const responseHead: Decode<string> = (bytes) => {
  const text = Buffer.from(bytes).toString('latin1')
  const end = text.indexOf(END_OF_HEAD)
  return end < 0 ? undefined : { value: text.slice(0, end), size: end + END_OF_HEAD.length }
}

/** A server's message, which is not masked and, while frames are exchanged, short. */
const message: Decode<Uint8Array> = (bytes) => {
  const [first, length] = bytes
  if (first === undefined || length === undefined) return undefined
  if (first !== 0x82) throw new Error(`a message that begins with ${first}`)
  const isLong = length === 126
  if (isLong && bytes.length < 4) return undefined
  const from = isLong ? 4 : 2
  const size = from + (isLong ? bytes[2]! * 256 + bytes[3]! : length)
  return bytes.length < size ? undefined : { value: Uint8Array.from(bytes.subarray(from, size)), size }
}

function messageHead(length: number): Uint8Array {
  if (length < 126) return Uint8Array.of(0x82, 0x80 | length)
  if (length < 65_536) return Uint8Array.of(0x82, 0x80 | 126, length >> 8, length & 0xff)
  const head = Buffer.alloc(10)
  head.writeUInt16BE(0x82ff)
  head.writeUInt32BE(length, 6)
  return head
}
