import { isLoopbackListener } from '@sluice/service'
import { keyingMaterial, peerKey, type Reader, type TlsContext } from '@sluice/net'
import { recognise, type RecogniseOptions, type Transport } from '@sluice/net/ws'
import { EXPORTER_LABEL, MAX_TOKEN_BYTES } from '@sluice/wire/relay'
import type { Channel } from './channel.ts'
import type { DoorName, ListenUrl } from './listen-url.ts'

export const SUBPROTOCOL = 'sluice-relay.v1'

const BINDING_BYTES = 32
const SECURE: readonly Transport[] = ['tls', 'wss']
const ALL: readonly Transport[] = ['tls', 'wss', 'tcp', 'ws']
const PLAIN: ReadonlySet<DoorName> = new Set(['tcp', 'ws'])

/** Whether a listener leads beyond this machine without TLS. */
export const isBare = ({ door, address }: ListenUrl): boolean =>
  PLAIN.has(door) && !isLoopbackListener(address)

/** What a listener speaks: `any` speaks without TLS on loopback, or where the operator says so. */
export const transportsOf = ({ door, address }: ListenUrl, plain: boolean): readonly Transport[] => {
  if (door !== 'any') return [door]
  return plain || isLoopbackListener(address) ? ALL : SECURE
}

export interface TransportParts {
  readonly tls: () => TlsContext
  /** Whether a web page with this origin may come. */
  readonly mayCome: (origin: string) => boolean
}

const PAGE = `<!doctype html>
<meta charset="utf-8">
<title>A relay</title>
<p>This is a relay for peers of Sluice. There is nothing to see here: a peer connects over TCP or TLS, or over a
WebSocket with the subprotocol ${SUBPROTOCOL}.
`

/** Meets the conns of a listener in the transport that they have chosen. @throws as `recognise` */
export const openChannel =
  (transports: readonly Transport[], { tls, mayCome }: TransportParts) =>
  async (reader: Reader): Promise<Channel> => {
    const options: RecogniseOptions = {
      transports,
      tls: tls(),
      ws: { subprotocol: SUBPROTOCOL, page: PAGE, mayCome },
    }
    const { conn, reader: inner, query } = await recognise(reader, options)
    return {
      reader: inner,
      conn,
      client: inner.client,
      binding: () => keyingMaterial(conn, EXPORTER_LABEL, BINDING_BYTES),
      clientKey: () => peerKey(conn),
      token: tokenOf(query),
    }
  }

/** Browsers can send nothing else before the first message. One that is too long is nobody's. */
const tokenOf = (query: URLSearchParams | undefined): Uint8Array | undefined => {
  const token = query?.get('token') ?? ''
  return token === '' ? undefined : Buffer.from(token.slice(0, MAX_TOKEN_BYTES + 1))
}
