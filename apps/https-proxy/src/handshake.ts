import { type Reader, refuse } from '@sluice/net'
import { type Directory, type Handshake, type ServedRequest, ServiceError } from '@sluice/service'
import { type ForwardSettings, http, type OtherRequests } from '@sluice/service/http'
import { isPreface } from './preface.ts'

/** What a listener is told about the protocols that it takes. */
export interface WaysIn {
  readonly forward: ForwardSettings
  /** Takes requests in origin-form, and those for https: origins. */
  readonly api: OtherRequests | undefined
  /** Takes clients of HTTP/2; nothing of what they sent is read. */
  readonly http2: ((reader: Reader, directory: Directory) => Promise<ServedRequest>) | undefined
  /** Whether who gives no credentials comes in as the guest. */
  readonly isOpen: () => boolean
}

const NOTHING = new Uint8Array(0)
const P = 0x50

/** An ordinary HTTP proxy and the server of the API in one. */
export const createHandshake =
  ({ forward, api: other, http2, isOpen }: WaysIn): Handshake =>
  async (reader, directory) => {
    const first = await reader.peek()
    if (first < 0x41 || first > 0x5a) {
      // There are no words for somebody whose protocol nobody knows.
      await refuse(reader.conn, NOTHING)
      throw new ServiceError('PROTOCOL_UNSUPPORTED', `first byte ${first}`)
    }
    if (first === P && http2 !== undefined && (await reader.read(isPreface))) return http2(reader, directory)
    return http(reader, directory, { forward, other, guest: isOpen() ? directory.guest : undefined })
  }
