// Messages over a stream, which knows only octets: each is the length of a head in four octets (big-endian), the head as
// JSON, and as many octets of a body as the head says.

const MAX_HEAD = 4096
const MAX_BODY = 1024 * 1024 * 1024

/**
 * @typedef {{ kind: 'text', text: string, size?: number } | { kind: 'file', name: string, size: number }} Head
 */

/** One message at a time: whoever calls waits until the last is out. */
export class Speaker {
  #writer
  #last = Promise.resolve()

  /** @param {WritableStream<Uint8Array>} writable */
  constructor(writable) {
    this.#writer = writable.getWriter()
  }

  /** @param {string} text */
  sayText(text) {
    return this.#say({ kind: 'text', text })
  }

  /** @param {File} file */
  sayFile(file) {
    return this.#say({ kind: 'file', name: file.name, size: file.size }, file)
  }

  /** Ends this direction, behind what is still being said. */
  close() {
    return this.#queue(() => this.#writer.close())
  }

  /** @param {Head} head @param {Blob} [body] */
  #say(head, body) {
    return this.#queue(async () => {
      const bytes = new TextEncoder().encode(JSON.stringify(head))
      const length = new Uint8Array(4)
      new DataView(length.buffer).setUint32(0, bytes.length)
      await this.#writer.write(length)
      await this.#writer.write(bytes)
      if (body === undefined) return
      const reader = body.stream().getReader()
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        await this.#writer.write(part.value)
      }
    })
  }

  /** @param {() => Promise<void>} task */
  #queue(task) {
    this.#last = this.#last.then(task)
    return this.#last
  }
}

/**
 * What a `Speaker` says at the other end, until it closes.
 * @param {ReadableStream<Uint8Array>} readable
 * @returns {AsyncGenerator<{ head: Head, body: Blob }>}
 */
export async function* listenTo(readable) {
  const source = new Source(readable)
  for (;;) {
    const length = await source.take(4, true)
    if (length === undefined) return
    const size = new DataView(await length.arrayBuffer()).getUint32(0)
    if (size > MAX_HEAD) throw new Error('a message with a head that is too long')
    const head = checked(JSON.parse(await (await source.take(size)).text()))
    yield { head, body: await source.take(head.size ?? 0) }
  }
}

/** @param {Head} head */
const checked = (head) => {
  if (head.kind === 'text' && typeof head.text === 'string' && head.size === undefined) return head
  const { kind, size } = head
  const isFile = kind === 'file' && typeof head.name === 'string' && Number.isInteger(size)
  if (!isFile || size < 0 || size > MAX_BODY) throw new Error('a message that is none')
  return head
}

/** Takes octets off a stream as many at a time as are wanted. */
class Source {
  #reader
  #rest = new Uint8Array(0)

  /** @param {ReadableStream<Uint8Array>} readable */
  constructor(readable) {
    this.#reader = readable.getReader()
  }

  /** @param {number} size @param {boolean} [mayEnd] in front of them: then it gives undefined */
  async take(size, mayEnd = false) {
    const parts = []
    for (let left = size; left > 0;) {
      if (this.#rest.length === 0) {
        const { value, done } = await this.#reader.read()
        if (done && mayEnd && left === size) return undefined
        if (done) throw new Error('the stream ended within a message')
        this.#rest = value
      }
      const part = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(part.length)
      left -= part.length
      parts.push(part)
    }
    return new Blob(parts)
  }
}
