import { refuse } from '@sluice/net'
import { type Handshake, type Request, ServiceError } from '@sluice/service'
import { type ForwardSettings, http, type OtherRequests } from '@sluice/service/http'
import { isHttp2Preface } from '@sluice/wire'
import type { ApiServer } from './api/index.ts'

/** What a listener is told about the protocols that it takes. */
export interface Protocols {
  /** Those of now. */
  readonly forward: () => ForwardSettings
  readonly api: Pick<ApiServer, 'handshake' | 'h2Handshake'>
  /** Whether who gives no credentials comes in as the guest. */
  readonly isOpen: () => boolean
  /** Takes note of a tunnel. */
  readonly tunnel: (request: Request) => Request
}

const NOTHING = new Uint8Array(0)
const P = 0x50

/** An ordinary HTTP proxy and the server of the API in one: how the first request begins tells which. */
export const createHandshake = ({ forward, api, isOpen, tunnel }: Protocols): Handshake => {
  const other: OtherRequests = (head, reader, directory) => api.handshake(reader, directory, head)
  return async (reader, directory) => {
    const first = await reader.peek()
    if (first < 0x41 || first > 0x5a) {
      // There are no words for somebody whose protocol nobody knows.
      await refuse(reader.conn, NOTHING)
      throw new ServiceError('PROTOCOL_UNSUPPORTED', `first byte ${first}`)
    }
    if (first === P && (await reader.read(isHttp2Preface))) return api.h2Handshake(reader, directory)
    const guest = isOpen() ? directory.guest : undefined
    const request = await http(reader, directory, { forward: forward(), guest, other })
    return 'serve' in request ? request : tunnel(request)
  }
}
