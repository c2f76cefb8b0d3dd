import { type Conn, type Reader, refuse } from '@sluice/net'
import { basicCredentialsOf, fieldValues, type RequestHead, WireError } from '@sluice/wire'
import type { Account } from '../account.ts'
import type { Directory } from '../directory.ts'
import { codeOf, type ErrorCode, retryMsOf, ServiceError } from '../errors.ts'
import type { Request, ServedRequest } from '../request.ts'
import { signIn } from '../sign-in.ts'
import { type AnswerForm, answerFor, named } from './answer.ts'
import { type Asked, createHeadDecoder, type HeadBytes, readAsked } from './asked.ts'
import { ConnectRequest } from './connect.ts'
import { ForwardRequest } from './forward/forward-request.ts'
import type { ForwardSettings } from './forward/settings.ts'

/** How often a client may be asked for credentials before its connection is closed. */
const MAX_ROUNDS = 4

const NOTHING = new Uint8Array(0)

/** What a listener takes over HTTP, and from whom. */
export interface HttpDoor {
  readonly forward: ForwardSettings
  /** Who the client is already, or why not; then its requests need no credentials. */
  readonly known?: Account | ServiceError | undefined
  /** Who a client is whose requests bring no credentials, where it may be anybody. */
  readonly guest?: Account | undefined
  /** Takes what is neither CONNECT nor to be forwarded; where it is undefined, that is refused. */
  readonly other?: OtherRequests | undefined
}

/** A request that the door makes something of itself. The conn has all of it, its head in front. */
export interface OtherRequest {
  /** In origin-form (`/path`), or absolute with `https://`. */
  readonly form: 'origin' | 'https'
  readonly head: RequestHead
  readonly conn: Conn
  readonly account: Account
  /**
   * What it has signed in with: the value of Authorization in origin-form, else of Proxy-Authorization. Undefined where it
   * was known or is a guest.
   */
  readonly credentials: string | undefined
}

/** What a door does with requests for itself. */
export interface OtherRequests {
  /**
   * Whose request in origin-form this is, by its Authorization; not asked about clients that are known.
   * @param guest as that of {@link HttpDoor}
   * @throws ServiceError; with AUTH_REQUIRED the client may come again on the same connection
   */
  signIn(
    head: RequestHead,
    reader: Reader,
    directory: Directory,
    guest: Account | undefined,
  ): Account | Promise<Account>
  /** What the client of a request in origin-form is told of a failure before it is served, such as 401. */
  answerFor(code: ErrorCode, form: AnswerForm): Uint8Array
  request(asked: OtherRequest): Request | ServedRequest
}

/**
 * HTTP/1: CONNECT, a request to be forwarded, with Basic credentials (RFC 7617), or what the door takes besides. A client
 * without credentials is asked for them and may come again on the same connection, for as long as a handshake may take.
 */
export const http = async (
  reader: Reader,
  directory: Directory,
  door: HttpDoor,
): Promise<Request | ServedRequest> => {
  const { forward, known, other } = door
  let head: RequestHead | undefined = undefined
  let asked: Asked | undefined = undefined
  let missing: unknown = undefined
  const words = (error: unknown, keep: boolean): Uint8Array => {
    const id = named(error, forward.requestId)
    const form = { keep, headOnly: head?.method === 'HEAD', retryMs: retryMsOf(error), id }
    return asked?.other === 'origin' ? other!.answerFor(codeOf(error), form) : answerFor(codeOf(error), form)
  }
  try {
    for (let round = 1; ; round += 1) {
      const read: HeadBytes = await reader.read(createHeadDecoder())
      head = read.head
      asked = readAsked(head, forward.via, other !== undefined)
      if (known instanceof ServiceError) throw known
      try {
        const account = known ?? (await authenticate(reader, head, asked, directory, door))
        return requestOf(reader, account, read, asked, door)
      } catch (error) {
        if (codeOf(error) !== 'AUTH_REQUIRED' || !asked.mayRetry || round === MAX_ROUNDS) throw error
        missing = error
      }
      reader.conn.write(words(missing, true))
      head = asked = undefined
    }
  } catch (error) {
    // A client that does not come again has had its answer, and that is how it went.
    const isAnswered = missing !== undefined && asked === undefined && !(error instanceof WireError)
    await refuse(reader.conn, isAnswered ? NOTHING : words(error, false))
    throw isAnswered ? missing : error
  }
}

const authenticate = (
  reader: Reader,
  head: RequestHead,
  { other, credentials }: Asked,
  directory: Directory,
  { other: others, guest }: HttpDoor,
): Account | Promise<Account> => {
  if (other === 'origin') return others!.signIn(head, reader, directory, guest)
  if (credentials === undefined && guest !== undefined) return guest
  const basic = credentials === undefined ? undefined : basicCredentialsOf(credentials)
  if (basic === undefined) throw new ServiceError('AUTH_REQUIRED')
  return signIn(reader, directory, basic)
}

const requestOf = (
  reader: Reader,
  account: Account,
  { head, bytes }: HeadBytes,
  { target, forwarded, other, credentials }: Asked,
  { forward, known, other: others }: HttpDoor,
): Request | ServedRequest => {
  const { conn } = reader
  const size = bytes.length
  if (target !== undefined) return new ConnectRequest(conn, account, { target, size }, forward)
  if (forwarded !== undefined) {
    const login = known === undefined ? { credentials } : undefined
    return new ForwardRequest(conn, account, { request: forwarded, size }, login, forward)
  }
  reader.unread(bytes)
  const [own] = other === 'origin' ? fieldValues(head, 'authorization') : [credentials]
  return others!.request({
    form: other!,
    head,
    conn,
    account,
    credentials: known === undefined ? own : undefined,
  })
}
