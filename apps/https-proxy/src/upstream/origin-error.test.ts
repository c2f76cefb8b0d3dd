import { NetError } from '@sluice/net'
import { codeOf, ServiceError } from '@sluice/service'
import { describe, expect, it } from 'vitest'
import { originError, tlsError } from './origin-error.ts'

const coded = (code: string, message = 'x'): Error => Object.assign(new Error(message), { code })

describe('originError', () => {
  it.each([
    [coded('UND_ERR_SOCKET', 'other side closed'), 'TARGET_RESET'],
    [coded('UND_ERR_SOCKET', 'bad response'), 'RESPONSE_INVALID'],
    [coded('ERR_ASSERTION', 'falsy:\n\n  assert2(upgrade)\n'), 'RESPONSE_INVALID'],
    [coded('HPE_INVALID_CONSTANT'), 'RESPONSE_INVALID'],
    [coded('HPE_INVALID_EOF_STATE'), 'TARGET_RESET'],
    [coded('ECONNRESET'), 'TARGET_RESET'],
    [
      coded('ERR_HTTP2_STREAM_ERROR', 'Stream closed with error code NGHTTP2_PROTOCOL_ERROR'),
      'RESPONSE_INVALID',
    ],
    [coded('ERR_HTTP2_STREAM_ERROR', 'Stream closed with error code NGHTTP2_REFUSED_STREAM'), 'TARGET_RESET'],
    [coded('ERR_HTTP2_HEADER_SINGLE_VALUE'), 'REQUEST_INVALID'],
    [coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'ORIGIN_UNTRUSTED'],
    [new NetError('DIAL_REFUSED', 'x'), 'DIAL_REFUSED'],
    [coded('ACCESS_DENIED'), 'ACCESS_DENIED'],
    [new TypeError('ours'), 'INTERNAL'],
  ])('makes %o %s', (error, code) => {
    expect(codeOf(originError(error))).toBe(code)
  })
})

describe('tlsError', () => {
  const failed = (cause: Error): NetError => new NetError('TLS_FAILED', `failed: ${cause.message}`, { cause })

  it('says what is wrong with a certificate', () => {
    const error = tlsError('a.test', failed(coded('CERT_HAS_EXPIRED')))
    expect(error).toMatchObject({
      code: 'ORIGIN_UNTRUSTED',
      message: 'the certificate of a.test has expired',
    })
  })

  it('tells a broken conn from one that is not to be trusted', () => {
    expect(codeOf(tlsError('a', failed(coded('ECONNRESET'))))).toBe('DIAL_FAILED')
    expect(codeOf(tlsError('a', failed(new Error('the peer closed during the handshake'))))).toBe(
      'DIAL_FAILED',
    )
    expect(codeOf(tlsError('a', failed(new Error('wrong version number'))))).toBe('ORIGIN_UNTRUSTED')
    const own = new ServiceError('CLIENT_CLOSED')
    expect(tlsError('a', own)).toBe(own)
  })
})
