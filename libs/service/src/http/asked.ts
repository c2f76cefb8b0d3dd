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

/** A request head, and the bytes that it was. */
export interface HeadBytes {
  readonly head: RequestHead
  readonly bytes: Uint8Array
}

/** What was asked for, and whether the client may ask again on this connection where it lacked credentials. */
export interface Asked {
  readonly target: Address | undefined
  readonly forwarded: ForwardedRequest | undefined
  readonly size: number
  readonly credentials: string | undefined
  readonly mayRetry: boolean
}

/** For one head. @throws WireError */
export const createHeadDecoder = (): Decode<HeadBytes> => {
  const decode = createRequestHeadDecoder()
  return (bytes) => {
    const decoded = decode(bytes)
    if (decoded === undefined) return undefined
    const { value: head, size } = decoded
    return { value: { head, bytes: bytes.subarray(0, size) }, size }
  }
}

/** @param via what this proxy calls itself in Via @throws WireError */
export const readAsked = ({ head, bytes: { length: size } }: HeadBytes, via: string): Asked => {
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
