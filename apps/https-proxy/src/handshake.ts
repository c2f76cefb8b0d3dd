import { type Reader, refuse } from '@sluice/net'
import { type Directory, type Handshake, type ServedRequest, ServiceError } from '@sluice/service'
import { type ForwardSettings, http } from '@sluice/service/http'
import { wayIn } from './way-in.ts'

/** What a listener is told about the protocols that it takes. */
export interface WaysIn {
  readonly forward: ForwardSettings
  /** Who answers requests in origin-form, from the first on; nothing of it is read. */
  readonly api: (reader: Reader, directory: Directory, version: 1 | 2) => Promise<ServedRequest>
}

const NOTHING = new Uint8Array(0)

/** An ordinary HTTP proxy and the server of the API in one: how the first request begins tells which. */
export const createHandshake =
  ({ forward, api }: WaysIn): Handshake =>
  async (reader, directory) => {
    const first = await reader.peek()
    if (first < 0x41 || first > 0x5a) {
      // There are no words for somebody whose protocol nobody knows.
      await refuse(reader.conn, NOTHING)
      throw new ServiceError('PROTOCOL_UNSUPPORTED', `first byte ${first}`)
    }
    const way = await reader.read(wayIn)
    if (way === 'forward') return http(reader, directory, undefined, forward)
    return api(reader, directory, way === 'api2' ? 2 : 1)
  }
