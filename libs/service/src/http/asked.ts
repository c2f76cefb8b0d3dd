import {
  type Address,
  connectTarget,
  createRequestHeadDecoder,
  type Decode,
  fieldValues,
  type ForwardedRequest,
  forwardRequest,
  type RequestHead,
  WireError,
} from '@sluice/wire'

/** A request head with the bytes that it took, lent. */
export interface HeadBytes {
  readonly head: RequestHead
  readonly bytes: Uint8Array
}

/** What was asked for: one of a tunnel, a request to be forwarded, and another, which is for the door itself. */
export interface Asked {
  readonly target: Address | undefined
  readonly forwarded: ForwardedRequest | undefined
  /** In origin-form it is for the door as an origin server, and its login another one (RFC 9110 §11.6, §11.7). */
  readonly other: 'origin' | 'https' | undefined
  /** The value of Proxy-Authorization. */
  readonly credentials: string | undefined
  /** The client may ask again on this connection where it lacked credentials. */
  readonly mayRetry: boolean
}

/** For one connection. @throws WireError */
export const createHeadDecoder = (): Decode<HeadBytes> => {
  const decode = createRequestHeadDecoder()
  return (bytes) => {
    const decoded = decode(bytes)
    if (decoded === undefined) return undefined
    const { value: head, size } = decoded
    return { value: { head, bytes: bytes.subarray(0, size) }, size }
  }
}

/** @param takesOther other requests are of use; else they are refused as what cannot be forwarded @throws WireError */
export const readAsked = (head: RequestHead, via: string, takesOther: boolean): Asked => {
  if (head.method === 'CONNECT') return readConnect(head)
  const other = takesOther ? otherForm(head) : undefined
  if (other !== undefined) return readOther(head, other)
  const forwarded = forwardRequest(head, via)
  const { credentials, close, body } = forwarded
  return { target: undefined, forwarded, other: undefined, credentials, mayRetry: !close && body === 0 }
}

const otherForm = ({ target }: RequestHead): Asked['other'] => {
  if (target.startsWith('/')) return 'origin'
  return /^https:\/\//i.test(target) ? 'https' : undefined
}

const readConnect = (head: RequestHead): Asked => ({
  target: connectTarget(head),
  forwarded: undefined,
  other: undefined,
  credentials: credentialsOf(head),
  mayRetry: staysOpen(head),
})

const readOther = (head: RequestHead, other: Asked['other']): Asked => ({
  target: undefined,
  forwarded: undefined,
  other,
  credentials: credentialsOf(head),
  mayRetry: staysOpen(head) && !hasBody(head),
})

const credentialsOf = (head: RequestHead): string | undefined => {
  const [credentials, another] = fieldValues(head, 'proxy-authorization')
  if (another !== undefined) throw new WireError('WIRE_VALUE', 'Proxy-Authorization is repeated')
  return credentials
}

const staysOpen = (head: RequestHead): boolean =>
  head.version === '1.1' &&
  !fieldValues(head, 'connection').some((value) => /(?:^|[\s,])close(?:[\s,]|$)/i.test(value))

const hasBody = (head: RequestHead): boolean =>
  fieldValues(head, 'transfer-encoding').length > 0 ||
  fieldValues(head, 'content-length').some((value) => value !== '0')
