import { type Reader, refuse } from '@sluice/net'
import { type Directory, type Handshake, type Request, ServiceError } from '@sluice/service'
import { type ForwardSettings, http } from '@sluice/service/http'
import { createRequestHeadDecoder, type Decode, type RequestHead } from '@sluice/wire'
import type { ApiServer } from './api/index.ts'
import { wayIn } from './way-in.ts'

/** What a listener is told about the protocols that it takes. */
export interface WaysIn {
  /** Those of now. */
  readonly forward: () => ForwardSettings
  readonly api: Pick<ApiServer, 'handshake' | 'h2Handshake'>
  /** Whether who gives no credentials comes in as the guest. */
  readonly isOpen: () => boolean
  /** Takes note of a tunnel. */
  readonly tunnel: (request: Request) => Request
}

const NOTHING = new Uint8Array(0)

/** An ordinary HTTP proxy and the server of the API in one: how the first request begins tells which. */
export const createHandshake =
  (ways: WaysIn): Handshake =>
  async (reader, directory) => {
    const first = await reader.peek()
    if (first < 0x41 || first > 0x5a) {
      // There are no words for somebody whose protocol nobody knows.
      await refuse(reader.conn, NOTHING)
      throw new ServiceError('PROTOCOL_UNSUPPORTED', `first byte ${first}`)
    }
    const way = await reader.read(wayIn)
    if (way === 'api2') return ways.api.h2Handshake(reader, directory)
    const head = way === 'api' ? await headOf(reader) : undefined
    return head === undefined
      ? forwarded(reader, directory, ways)
      : ways.api.handshake(reader, directory, head)
  }

const forwarded = async (
  reader: Reader,
  directory: Directory,
  { forward, isOpen, tunnel }: WaysIn,
): ReturnType<Handshake> => {
  const guest = isOpen() ? directory.guest : undefined
  const request = await http(reader, directory, { forward: forward(), guest })
  return 'serve' in request ? request : tunnel(request)
}

/** All of it stays unread. @returns undefined where there is none to come: the proxy sees that too, and has words for it */
const headOf = async (reader: Reader): Promise<RequestHead | undefined> => {
  try {
    return await reader.read(seen(createRequestHeadDecoder()))
  } catch {
    return undefined
  }
}

const seen =
  <T>(decode: Decode<T>): Decode<T> =>
  (bytes) => {
    const decoded = decode(bytes)
    return decoded && { value: decoded.value, size: 0 }
  }
