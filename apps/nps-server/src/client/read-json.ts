import type { Conn, ConnSink } from '@sluice/net'
import { BridgeError } from './bridge-error.ts'

/** Of an answer. */
const MAX_BYTES = 4 * 1024 * 1024

/** The JSON that comes until the end of a stream. @throws BridgeError BRIDGE_LOST where it is none */
export const readJson = (stream: Conn): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const parts: Uint8Array[] = []
    let size = 0
    const fail = (why: string, cause?: unknown): void => {
      stream.attach(undefined)
      stream.destroy()
      reject(new BridgeError('BRIDGE_LOST', why, { cause }))
    }
    const sink: ConnSink = {
      onData: (chunk) => {
        size += chunk.length
        if (size > MAX_BYTES) fail(`an answer of more than ${MAX_BYTES} octets`)
        else parts.push(Buffer.from(chunk))
      },
      onEnd: () => {
        stream.attach(undefined)
        stream.destroy()
        try {
          resolve(JSON.parse(Buffer.concat(parts).toString()))
        } catch (cause) {
          fail('the answer is no JSON', cause)
        }
      },
      onDrain: () => {},
      onClose: (cause) => fail('the stream broke', cause),
    }
    stream.attach(sink)
    stream.resume()
  })
