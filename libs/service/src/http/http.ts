import { type Reader, refuse } from '@sluice/net'
import {
  type Address,
  basicCredentialsOf,
  connectTarget,
  createRequestHeadDecoder,
  type Decode,
  fieldValues,
  type ForwardedRequest,
  forwardRequest,
  type RequestHead,
  WireError,
} from '@sluice/wire'
import type { Account } from '../account.ts'
import type { Directory } from '../directory.ts'
import { codeOf, ServiceError } from '../errors.ts'
import type { Request, ServedRequest } from '../request.ts'
import { signIn } from '../sign-in.ts'
import { answerFor } from './answer.ts'
import { ConnectRequest } from './connect.ts'
import { ForwardRequest } from './forward/forward-request.ts'
import type { ForwardSettings } from './forward/settings.ts'

/** How often a client may be asked for credentials before its connection is closed. */
const MAX_ROUNDS = 4

/** What was asked for, and whether the client may ask again on this connection where it lacked credentials. */
interface Asked {
  readonly target: Address | undefined
  readonly forwarded: ForwardedRequest | undefined
  readonly size: number
  readonly credentials: string | undefined
  readonly mayRetry: boolean
}

/**
 * HTTP/1: CONNECT, or a request to be forwarded, with Basic credentials (RFC 7617). A client without credentials is asked
 * for them and may come again on the same connection, for as long as a handshake may take.
 * @param known who the client is already, or why not; then it needs no credentials
 */
export const http = async (
  reader: Reader,
  directory: Directory,
  known: Account | ServiceError | undefined,
  settings: ForwardSettings,
): Promise<Request | ServedRequest> => {
  let asked: Asked | undefined = undefined
  let missing: unknown = undefined
  try {
    for (let round = 1; ; round += 1) {
      asked = readAsked(await reader.read(sized(createRequestHeadDecoder())), settings)
      if (known instanceof ServiceError) throw known
      try {
        const account = known ?? (await authenticate(reader, asked, directory, settings))
        return requestOf(
          reader,
          account,
          asked,
          known === undefined ? asked.credentials : undefined,
          settings,
        )
      } catch (error) {
        if (codeOf(error) !== 'AUTH_REQUIRED' || !asked.mayRetry || round === MAX_ROUNDS) throw error
        missing = error
      }
      const headOnly = asked.forwarded?.method === 'HEAD'
      asked = undefined
      reader.conn.write(answerFor('AUTH_REQUIRED', { keep: true, headOnly }))
    }
  } catch (error) {
    // A client that does not come again has had its answer, and that is how it went.
    const isAnswered = missing !== undefined && asked === undefined && !(error instanceof WireError)
    const headOnly = asked?.forwarded?.method === 'HEAD'
    const retryMs = error instanceof ServiceError ? error.retryMs : undefined
    await refuse(reader.conn, isAnswered ? NOTHING : answerFor(codeOf(error), { headOnly, retryMs }))
    throw isAnswered ? missing : error
  }
}

const NOTHING = new Uint8Array(0)

const sized =
  (decode: Decode<RequestHead>): Decode<{ head: RequestHead; size: number }> =>
  (bytes) => {
    const decoded = decode(bytes)
    return decoded && { value: { head: decoded.value, size: decoded.size }, size: decoded.size }
  }

const readAsked = ({ head, size }: { head: RequestHead; size: number }, { via }: ForwardSettings): Asked => {
  if (head.method !== 'CONNECT') {
    const forwarded = forwardRequest(head, via)
    const mayRetry = !forwarded.close && forwarded.body === 0
    return { target: undefined, forwarded, size, credentials: forwarded.credentials, mayRetry }
  }
  const target = connectTarget(head)
  const [credentials, another] = fieldValues(head, 'proxy-authorization')
  if (another !== undefined) throw new WireError('WIRE_VALUE', 'Proxy-Authorization is repeated')
  const closes = fieldValues(head, 'connection').some((value) => /(?:^|[\s,])close(?:[\s,]|$)/i.test(value))
  return { target, forwarded: undefined, size, credentials, mayRetry: head.version === '1.1' && !closes }
}

const authenticate = (
  reader: Reader,
  { credentials }: Asked,
  directory: Directory,
  { isOpen }: ForwardSettings,
): Account | Promise<Account> => {
  if (credentials === undefined && isOpen?.() === true) return directory.guest
  const basic = credentials === undefined ? undefined : basicCredentialsOf(credentials)
  if (basic === undefined) throw new ServiceError('AUTH_REQUIRED')
  return signIn(reader, directory, basic)
}

const requestOf = (
  { conn }: Reader,
  account: Account,
  { target, forwarded, size }: Asked,
  credentials: string | undefined,
  settings: ForwardSettings,
): Request | ServedRequest => {
  if (target !== undefined) return new ConnectRequest(conn, account, target)
  return new ForwardRequest(conn, account, { request: forwarded!, size }, credentials, settings)
}
