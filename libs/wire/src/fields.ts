import { WireError } from './wire-error.ts'

/** Reads the fields of one body in their order, network byte order. */
export class FieldReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** A copy. */
  bytes(size: number): Uint8Array {
    // Not slice(): that of a Buffer copies nothing.
    return new Uint8Array(this.#bytes.subarray(this.#take(size), this.#at))
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2))
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  /** @throws WireError WIRE_VALUE beyond 2^53 - 1 */
  u64(): number {
    const value = this.#view.getBigUint64(this.#take(8))
    if (value > Number.MAX_SAFE_INTEGER) throw new WireError('WIRE_VALUE', 'a number beyond 2^53 - 1')
    return Number(value)
  }

  /** Well-formed UTF-8 without control characters, behind its length where there is one. */
  text(size: number): string {
    const bytes = this.#bytes.subarray(this.#take(size), this.#at)
    try {
      const text = UTF8.decode(bytes)
      if (!CONTROL.test(text)) return text
    } catch {
      // As below.
    }
    throw new WireError('WIRE_SYNTAX', 'a text that is not UTF-8, or has control characters')
  }

  /** @throws WireError WIRE_LENGTH where octets are left over */
  end(): void {
    if (this.left > 0)
      throw new WireError('WIRE_LENGTH', `${this.left} octets too many in the body of a frame`)
  }

  #take(size: number): number {
    if (size > this.left) throw new WireError('WIRE_LENGTH', 'the body of a frame is too short')
    this.#at += size
    return this.#at - size
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const CONTROL = /\p{Cc}/u

/** Writes what {@link FieldReader} reads. */
export class FieldWriter {
  readonly #parts: Uint8Array[] = []
  size = 0

  bytes(bytes: Uint8Array): this {
    this.#parts.push(bytes)
    this.size += bytes.length
    return this
  }

  /** All that `body` has. */
  append(body: FieldWriter): this {
    for (const part of body.#parts) this.bytes(part)
    return this
  }

  u8(value: number): this {
    return this.bytes(Uint8Array.of(value))
  }

  u16(value: number): this {
    return this.bytes(Uint8Array.of(value >> 8, value))
  }

  u32(value: number): this {
    return this.bytes(Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value))
  }

  u64(value: number): this {
    return this.u32(Math.floor(value / 2 ** 32)).u32(value >>> 0)
  }

  /** Behind its length in two octets. */
  text16(text: string): this {
    const bytes = encodeText(text)
    return this.u16(bytes.length).bytes(bytes)
  }

  done(): Uint8Array {
    const all = new Uint8Array(this.size)
    let at = 0
    for (const part of this.#parts) {
      all.set(part, at)
      at += part.length
    }
    return all
  }
}

const ENCODER = new TextEncoder()

export const encodeText = (text: string): Uint8Array => ENCODER.encode(text)
