import { type Reader, refuse } from '@sluice/net'
import { basicCredentialsOf, type RequestHead, WireError } from '@sluice/wire'
import type { Account } from '../account.ts'
import type { Directory } from '../directory.ts'
import { codeOf, retryMsOf, ServiceError } from '../errors.ts'
import type { Request, ServedRequest } from '../request.ts'
import { type Logins, signIn } from '../sign-in.ts'
import { answerFor, named } from './answer.ts'
import { type Asked, createHeadDecoder, type HeadBytes, readAsked } from './asked.ts'
import { ConnectRequest } from './connect.ts'
import { ForwardRequest } from './forward/forward-request.ts'
import type { ForwardSettings } from './forward/settings.ts'

/** How often a client may be asked for credentials before its connection is closed. */
const MAX_ROUNDS = 4

const NOTHING = new Uint8Array(0)

/** What a listener takes over HTTP, and from whom. */
export interface HttpDoor<L extends Logins = Directory> {
  readonly forward: ForwardSettings
  /** Who the client is already, or why not; then its requests need no credentials. */
  readonly known?: Account | ServiceError | undefined
  /** Who a client is whose requests bring no credentials, where it may be anybody. */
  readonly guest?: Account | undefined
  /** Undefined: there are none that it takes. */
  readonly other?: OtherRequests<L> | undefined
}

/**
 * Takes a request in origin-form (`/path`) or for `https://`, whose head is in front again of what `reader` has: whoever
 * gets the conn reads all of it. As a handshake it finds out who asks, and answers what it refuses before it throws.
 * @returns undefined where it does not take this one, which is then refused as what cannot be forwarded
 */
export type OtherRequests<L extends Logins = Directory> = (
  head: RequestHead,
  reader: Reader,
  logins: L,
) => Promise<Request | ServedRequest> | undefined

/**
 * HTTP/1: CONNECT, or a request to be forwarded, with Basic credentials (RFC 7617), or what the door takes besides. A client
 * without credentials is asked for them and may come again on the same connection, for as long as a handshake may take.
 */
export const http = async <L extends Logins = Directory>(
  reader: Reader,
  logins: L,
  door: HttpDoor<L>,
): Promise<Request | ServedRequest> => {
  const { forward, known } = door
  let asked: Asked | undefined = undefined
  let missing: unknown = undefined
  const words = (error: unknown, keep: boolean): Uint8Array => {
    const id = named(error, forward.requestId)
    const headOnly = asked?.forwarded?.method === 'HEAD'
    return answerFor(codeOf(error), { keep, headOnly, retryMs: retryMsOf(error), id })
  }
  try {
    for (let round = 1; ; round += 1) {
      const read: HeadBytes = await reader.read(createHeadDecoder())
      const other = takenBy(door.other, read, reader, logins)
      if (other !== undefined) return other
      asked = readAsked(read, forward.via)
      if (known instanceof ServiceError) throw known
      try {
        const account = known ?? (await authenticate(reader, asked, logins, door.guest))
        return requestOf(reader, account, asked, door)
      } catch (error) {
        if (codeOf(error) !== 'AUTH_REQUIRED' || !asked.mayRetry || round === MAX_ROUNDS) throw error
        missing = error
      }
      reader.conn.write(words(missing, true))
      asked = undefined
    }
  } catch (error) {
    // A client that does not come again has had its answer, and that is how it went.
    const isAnswered = missing !== undefined && asked === undefined && !(error instanceof WireError)
    await refuse(reader.conn, isAnswered ? NOTHING : words(error, false))
    throw isAnswered ? missing : error
  }
}

const takenBy = <L extends Logins>(
  other: OtherRequests<L> | undefined,
  { head, bytes }: HeadBytes,
  reader: Reader,
  logins: L,
): ReturnType<OtherRequests<L>> => {
  if (other === undefined || !/^(?:\/|https:\/\/)/i.test(head.target)) return undefined
  reader.unread(bytes)
  return other(head, reader, logins)
}

const authenticate = (
  reader: Reader,
  { credentials }: Asked,
  logins: Logins,
  guest: Account | undefined,
): Account | Promise<Account> => {
  if (credentials === undefined && guest !== undefined) return guest
  const basic = credentials === undefined ? undefined : basicCredentialsOf(credentials)
  if (basic === undefined) throw new ServiceError('AUTH_REQUIRED')
  return signIn(reader, logins, basic)
}

const requestOf = (
  { conn }: Reader,
  account: Account,
  { target, forwarded, size, credentials }: Asked,
  { forward, known }: Pick<HttpDoor, 'forward' | 'known'>,
): Request | ServedRequest => {
  if (target !== undefined) return new ConnectRequest(conn, account, { target, size }, forward)
  const login = known === undefined ? { credentials } : undefined
  return new ForwardRequest(conn, account, { request: forwarded!, size }, login, forward)
}
