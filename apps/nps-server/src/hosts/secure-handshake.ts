import { Reader, startTls, type TlsContext } from '@sluice/net'
import type { Handshake } from '@sluice/service'
import { type Decode, decodeClientHello, isHttp2Preface } from '@sluice/wire'
import type { LiveHost } from '../registry.ts'
import { type H2Server } from './h2/h2-server.ts'
import { H2Visit } from './h2/h2-visit.ts'
import type { HostDoor } from './host-door.ts'
import { HostVisit } from './host-visit.ts'
import { PassThrough } from './pass-through.ts'

const MAX_HEAD_BYTES = 16 * 1024
const PROTOCOLS = ['h2', 'http/1.1']

/** What there is to be shown to visitors. */
export interface Shown {
  contextFor(name: string | undefined): Promise<TlsContext>
}

/** TLS, which ends here or at the target as the host that is asked for will have it, and HTTP within. */
export const secureHandshake =
  (door: HostDoor, shown: Shown, server: H2Server): Handshake =>
  async (reader) => {
    const name = await reader.read(peekServerName)
    const nearest = name === '' ? undefined : firstOf(door.router().named(name, door.now()))
    if (nearest?.record.passThrough === true) return new PassThrough(nearest, reader, door)
    const context = await reader.wait(shown.contextFor(name || undefined))
    startTls(reader.release(), context, PROTOCOLS)
    const within = reader.handOver(new Reader(reader.conn, MAX_HEAD_BYTES))
    if (await within.read(isHttp2Preface)) return new H2Visit(within, door, server)
    return new HostVisit(within, 'https', door).begin(within)
  }

/** '' where there is none. All of it stays unread. */
const peekServerName: Decode<string> = (bytes) => {
  const decoded = decodeClientHello(bytes)
  return decoded && { value: decoded.value.serverName ?? '', size: 0 }
}

const firstOf = (all: Iterable<LiveHost>): LiveHost | undefined => {
  for (const one of all) return one
  return undefined
}
