import { NetError } from '@sluice/net'
import { ServiceError } from '@sluice/service'
import { decodePreamble } from '@sluice/wire'
import type { HeldPart } from '../held-bytes.ts'
import type { ApiRequestMessage } from './reply.ts'

/** Reads chunks until `take` has a result. The message is paused afterwards. */
const intake = <T>(
  message: ApiRequestMessage,
  ms: number,
  take: (chunk: Uint8Array | undefined) => T | undefined,
): Promise<T> =>
  new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(timer)
      message.off('data', onData).off('end', onEnd).off('close', onClose).pause()
      act()
    }
    const step = (chunk: Uint8Array | undefined): void => {
      try {
        const result = take(chunk)
        if (result !== undefined) settle(() => resolve(result))
        else if (chunk === undefined) settle(() => reject(early()))
      } catch (error) {
        settle(() => reject(error))
      }
    }
    const onData = (chunk: Uint8Array): void => step(chunk)
    const onEnd = (): void => step(undefined)
    const onClose = (): void => settle(() => reject(left()))
    const timer = setTimeout(() => settle(() => reject(slow())), ms)
    message.on('data', onData).on('end', onEnd).on('close', onClose).resume()
    // Read to its end before, and paused since.
    if (message.readableEnded) onEnd()
  })

export interface PreambleRead {
  readonly text: string
  /** What it took, its length included. */
  readonly size: number
  /** What was read of the body behind it. */
  readonly rest: Uint8Array
}

/** @throws WireError; ServiceError HANDSHAKE_TIMEOUT, REQUEST_INVALID; NetError CLIENT_CLOSED */
export const takePreamble = (message: ApiRequestMessage, ms: number): Promise<PreambleRead> => {
  let chunks: Uint8Array[] = []
  let size = 0
  let wanted = 4
  return intake(message, ms, (chunk) => {
    if (chunk === undefined) return undefined
    chunks.push(chunk)
    size += chunk.length
    if (size < wanted) return undefined
    const bytes = Buffer.concat(chunks)
    const decoded = decodePreamble(bytes)
    if (decoded !== undefined) {
      return { text: decoded.value, size: decoded.size, rest: bytes.subarray(decoded.size) }
    }
    chunks = [bytes]
    wanted = 4 + bytes.readUInt32BE()
    return undefined
  })
}

/** Of a body whose length nobody knows. @returns undefined where there is none @throws as `takePreamble` */
export const takeFirst = async (message: ApiRequestMessage, ms: number): Promise<Uint8Array | undefined> => {
  const { chunk } = await intake(message, ms, (first) => ({ chunk: first }))
  return chunk
}

/**
 * A body as a whole.
 * @param held where there has to be room for it
 * @throws ServiceError REQUEST_TOO_LARGE, OVERLOADED; NetError HANDSHAKE_TIMEOUT, CLIENT_CLOSED
 */
export const takeBody = (
  message: ApiRequestMessage,
  maxBytes: number,
  ms: number,
  held: HeldPart,
): Promise<Buffer> => {
  const chunks: Uint8Array[] = []
  let size = 0
  return intake(message, ms, (chunk) => {
    if (chunk === undefined) return Buffer.concat(chunks)
    size += chunk.length
    if (size > maxBytes) throw new ServiceError('REQUEST_TOO_LARGE')
    held.take(chunk.length)
    chunks.push(chunk)
    return undefined
  })
}

const early = (): ServiceError => new ServiceError('REQUEST_INVALID', 'the request ends within its preamble')
const left = (): NetError => new NetError('CLIENT_CLOSED', 'the client left within its request')
const slow = (): NetError => new NetError('HANDSHAKE_TIMEOUT', 'the request is too slow')
