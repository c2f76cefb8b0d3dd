import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import type { User } from '@sluice/userstore'
import { type SsDocumentServer, type SsKey, ssMethod } from '@sluice/wire/shadowsocks'

/** Where and how users come in, as far as their clients must know. */
export interface ServerPlaces {
  /** What clients reach the node by; a wildcard stands for the name of this machine. */
  readonly host: string
  /** Port of the users who have none of their own. */
  readonly port: number | undefined
  /** Keys of the ports where users tell who they are (SIP023). */
  readonly identityKeys: readonly { readonly port: number; readonly key: SsKey }[]
}

/** A credential without a port, where there is none to share. */
export interface Portless {
  readonly method: string
}

/** Listening there is listening on every interface, and no address to connect to. */
const WILDCARDS = new Set(['0.0.0.0', '::'])

/** The servers that a user's clients can be told of, one for each Shadowsocks credential, and what has no port. */
export function userServers(
  user: Pick<User, 'id' | 'name' | 'credentials'>,
  places: ServerPlaces,
): { servers: SsDocumentServer[]; portless: Portless[] } {
  const servers: SsDocumentServer[] = []
  const portless: Portless[] = []
  const host = WILDCARDS.has(places.host) ? hostname() : places.host
  for (const credential of user.credentials) {
    if (credential.kind !== 'ss') continue
    const method = ssMethod(credential.method)?.name ?? credential.method
    const port = credential.port ?? places.port
    if (port === undefined) portless.push({ method })
    else {
      const secret = secretOf(credential.secret, method, port, places)
      const id = stableUuid(`${user.id} ${port} ${method}`)
      servers.push({ id, method, secret, address: { host, port }, tag: user.name })
    }
  }
  return { servers, portless }
}

/** With the key of the server in front, where users tell who they are (SIP023 §2.1). */
function secretOf(secret: string, method: string, port: number, { identityKeys }: ServerPlaces): string {
  const server = identityKeys.find(({ port: its, key }) => its === port && key.method.name === method)
  return server ? `${Buffer.from(server.key.bytes).toString('base64')}:${secret}` : secret
}

/** A UUID that is the same for the same text: version 8 of RFC 9562, of its SHA-256. */
function stableUuid(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x80
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
