export { type Address, formatAddress, parseAddress, parseHost } from './address.ts'
export {
  COMPAT_KEY_BYTES,
  COMPAT_MAX_BYTES,
  COMPAT_NONCE_BYTES,
  type CompatFrame,
  type CompatHead,
  type CompatRequestFrame,
  decodeCompatHead,
  decodeCompatRequest,
  decodeCompatResponse,
  encodeCompatHead,
  encodeCompatRequest,
  encodeCompatResponse,
  openCompat,
} from './compat/frame.ts'
export { type ClientHello, decodeClientHello } from './client-hello.ts'
export type { Credentials } from './credentials.ts'
export type { Decode, Decoded } from './decode.ts'
export {
  type BodyFraming,
  BodyScan,
  CHUNKED,
  requestFraming,
  responseFraming,
  UNTIL_CLOSE,
} from './http-body.ts'
export { ChunkedScan } from './http-chunked.ts'
export { basicCredentials, basicCredentialsOf, connectTarget, encodeBasic } from './http-connect.ts'
export { endToEndFields, isLooped } from './http-fields.ts'
export {
  type ForwardedRequest,
  type ForwardedResponse,
  forwardRequest,
  forwardResponse,
  proxiedHead,
} from './http-forward.ts'
export { type HeadEdits, type HostRequest, isSettableField, readHostRequest } from './http-host.ts'
export {
  createRequestHeadDecoder,
  createResponseHeadDecoder,
  decodeRequestHead,
  decodeResponseHead,
  encodeRequestHead,
  encodeResponseHead,
  fieldValues,
  type HttpField,
  type HttpVersion,
  type RequestHead,
  type ResponseHead,
} from './http-head.ts'
export { type HttpUri, parseHttpUri } from './http-uri.ts'
export { isHttp2Preface } from './http2-preface.ts'
export { formatIp, parseIp } from './ip.ts'
export { decodePreamble, encodePreamble, MAX_PREAMBLE_BYTES } from './preamble.ts'
export { decodeProxyHeader, encodeProxyHeader } from './proxy-protocol/codec.ts'
export { crc32c } from './proxy-protocol/crc32c.ts'
export type { ProxyEndpoints, ProxyHeader, ProxyTransport } from './proxy-protocol/header.ts'
export { type Tlv, TLV_TYPE } from './proxy-protocol/tlv.ts'
export {
  formatDuration,
  formatQuota,
  formatRate,
  formatSize,
  parseDuration,
  parseQuota,
  parseRate,
  parseSize,
  type QuotaPeriod,
  type QuotaText,
} from './quantity.ts'
export { decodeSocksAddress, encodeSocksAddress } from './socks-address.ts'
export {
  decodeSocks4Reply,
  decodeSocks4Request,
  encodeSocks4Reply,
  encodeSocks4Request,
  SOCKS4_REPLY,
  type Socks4Reply,
  type Socks4Request,
} from './socks4.ts'
export {
  COMMAND,
  decodeGreeting,
  decodeMethod,
  decodeReply,
  decodeRequest,
  decodeUserPass,
  decodeUserPassStatus,
  encodeGreeting,
  encodeMethod,
  encodeReply,
  encodeRequest,
  encodeUserPass,
  encodeUserPassStatus,
  METHOD,
  REPLY,
  type Socks5Greeting,
  type Socks5Reply,
  type Socks5Request,
  USER_PASS_STATUS,
} from './socks5.ts'
export { decodeSocksDatagram, encodeSocksDatagram, type SocksDatagramHeader } from './socks5-udp.ts'
export { decodeSumbit, encodeSumbit } from './sumbit.ts'
export { WIRE_ERROR_CODES, WireError, type WireErrorCode } from './wire-error.ts'
