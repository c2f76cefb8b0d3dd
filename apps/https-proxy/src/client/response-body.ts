import { Readable } from 'node:stream'
import { decodePreamble } from '@sluice/wire'
import { HttpsProxyError } from './https-proxy-error.ts'

/** The origin's part of an answer. What breaks it is told as RESPONSE_CUT. */
export class ResponseBody extends Readable {
  readonly #source: Readable

  constructor(source: Readable) {
    super()
    this.#source = source
    source
      .on('data', (chunk: Uint8Array) => this.push(chunk) || source.pause())
      .on('end', () => this.push(null))
      .on('error', (cause) => this.destroy(cut(cause)))
      .on('close', () => source.readableEnded || this.destroy(cut()))
      .pause()
  }

  override _read(): void {
    this.#source.resume()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#source.destroy()
    done(error)
  }
}

const cut = (cause?: Error): Error =>
  cause?.name === 'AbortError'
    ? cause
    : new HttpsProxyError('RESPONSE_CUT', 'the answer broke off before its end', { cause })

/**
 * Takes the preamble off an answer, whose body is what is left of it.
 * @throws HttpsProxyError RESPONSE_CUT, SERVER_ANSWER_INVALID
 */
export const takePreamble = async (source: Readable): Promise<string> => {
  let bytes: Uint8Array = new Uint8Array(0)
  for (;;) {
    const chunk = source.read() as Uint8Array | null
    if (chunk === null) await readable(source)
    else {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
      const decoded = decodedOf(bytes)
      if (decoded === undefined) continue
      if (decoded.size < bytes.length) source.unshift(bytes.subarray(decoded.size))
      return decoded.value
    }
  }
}

const decodedOf = (bytes: Uint8Array): ReturnType<typeof decodePreamble> => {
  try {
    return decodePreamble(bytes)
  } catch (cause) {
    throw new HttpsProxyError('SERVER_ANSWER_INVALID', 'the answer is none of this protocol', { cause })
  }
}

/** Until there is something to read. */
const readable = (source: Readable): Promise<void> =>
  new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      source.off('readable', onReadable).off('end', onEnd).off('error', onEnd).off('close', onEnd)
      act()
    }
    const onReadable = (): void => settle(resolve)
    const onEnd = (cause?: Error): void => settle(() => reject(cut(cause)))
    source.on('readable', onReadable).on('end', onEnd).on('error', onEnd).on('close', onEnd)
    if (source.destroyed || source.readableEnded) onEnd(source.errored ?? undefined)
  })
