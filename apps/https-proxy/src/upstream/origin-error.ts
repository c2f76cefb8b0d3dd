import { dialCode, errnoOf, NetError } from '@sluice/net'
import { codeOf, type ErrorCode, ServiceError } from '@sluice/service'

/** What undici, node:http2 and the sockets below them say, in our words; docs/errors.md has what each means to whom. */
const MEANING: Readonly<Record<string, ErrorCode>> = {
  UND_ERR_SOCKET: 'TARGET_RESET',
  UND_ERR_HEADERS_OVERFLOW: 'RESPONSE_INVALID',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'RESPONSE_INVALID',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'REQUEST_INVALID',
  UND_ERR_INVALID_ARG: 'REQUEST_INVALID',
  UND_ERR_NOT_SUPPORTED: 'REQUEST_INVALID',
  UND_ERR_ABORTED: 'CLIENT_RESET',
  UND_ERR_DESTROYED: 'TARGET_RESET',
  UND_ERR_CLOSED: 'TARGET_RESET',
  UND_ERR_INFO: 'TARGET_RESET',
  ECONNRESET: 'TARGET_RESET',
  EPIPE: 'TARGET_RESET',
  ETIMEDOUT: 'TARGET_RESET',
  EHOSTUNREACH: 'TARGET_RESET',
  ENETUNREACH: 'TARGET_RESET',
  // What undici takes for granted of an answer: no status below 100, no change of protocol that nobody asked for.
  ERR_ASSERTION: 'RESPONSE_INVALID',
  HPE_INVALID_EOF_STATE: 'TARGET_RESET',
  ERR_HTTP2_ERROR: 'RESPONSE_INVALID',
  ERR_HTTP2_GOAWAY_SESSION: 'TARGET_RESET',
  ERR_HTTP2_INVALID_SESSION: 'TARGET_RESET',
  ERR_HTTP2_SESSION_ERROR: 'TARGET_RESET',
  ERR_STREAM_PREMATURE_CLOSE: 'TARGET_RESET',
}

/** A request that no conn can carry, as Node says it. */
const INVALID_REQUEST =
  /^ERR_(?:HTTP2_(?:HEADER|INVALID|PSEUDO|CONNECTION|PAYLOAD)|INVALID_(?:CHAR|HTTP_TOKEN|ARG))/

const PROTOCOL_ERRORS =
  /NGHTTP2_(?:PROTOCOL|COMPRESSION|FRAME_SIZE|FLOW_CONTROL)_ERROR|NGHTTP2_ENHANCE_YOUR_CALM/

/** `error` of an exchange as one with a code; what is ours already stays as it is. */
export const originError = (error: unknown): Error => {
  if (error instanceof NetError || error instanceof ServiceError) return error
  const code = meaning(error)
  const message = error instanceof Error ? error.message : String(error)
  if (code === undefined) return codeOf(error) === 'INTERNAL' ? unknown(error) : (error as Error)
  return new ServiceError(code, message, { cause: error })
}

const unknown = (cause: unknown): ServiceError => new ServiceError('INTERNAL', String(cause), { cause })

const meaning = (error: unknown): ErrorCode | undefined => {
  const code = errnoOf(error)
  const message = error instanceof Error ? error.message : ''
  if (code === 'UND_ERR_SOCKET' && message.startsWith('bad ')) return 'RESPONSE_INVALID'
  if (code === 'ERR_HTTP2_STREAM_ERROR' || code === 'ERR_HTTP2_SESSION_ERROR')
    return PROTOCOL_ERRORS.test(message) ? 'RESPONSE_INVALID' : 'TARGET_RESET'
  const known = MEANING[code]
  if (known !== undefined) return known
  // Not each of undici's parser errors has a code.
  if (code.startsWith('HPE_') || (error instanceof Error && error.name === 'HTTPParserError'))
    return 'RESPONSE_INVALID'
  if (code.startsWith('ERR_SSL_')) return 'ORIGIN_UNTRUSTED'
  return INVALID_REQUEST.test(code) ? 'REQUEST_INVALID' : undefined
}

/** What is wrong with a certificate, by the code of OpenSSL or Node. */
const DISTRUST: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet',
  CERT_REVOKED: 'was revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'is of an unknown authority (its chain ends in one that is self-signed)',
  UNABLE_TO_GET_ISSUER_CERT: 'is of an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'is of an unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'is of an unknown authority, or its chain is not sent',
  ERR_TLS_CERT_ALTNAME_INVALID: 'is for another name',
  INVALID_PURPOSE: 'is not for servers',
}

/** Why there is no TLS with `host`, from what `tlsSocket` throws. */
export const tlsError = (host: string, error: unknown): Error => {
  if (!(error instanceof NetError) || error.code !== 'TLS_FAILED') return error as Error
  const { cause } = error
  const why = DISTRUST[errnoOf(cause)]
  if (why !== undefined)
    return new ServiceError('ORIGIN_UNTRUSTED', `the certificate of ${host} ${why}`, { cause })
  const isBroken = errnoOf(cause) === 'ECONNRESET' || error.message.endsWith('during the handshake')
  if (isBroken) return new NetError(dialCode([cause]), `${host} broke off the TLS handshake`, { cause })
  return new ServiceError('ORIGIN_UNTRUSTED', `${host}: ${error.message}`, { cause })
}
