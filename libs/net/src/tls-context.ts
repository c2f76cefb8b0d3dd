import { constants, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'

/** What a TLS listener shows of itself, all PEM. */
export interface TlsCredentials {
  /** The certificate, and behind it those that lead to its root. */
  readonly cert: string
  readonly key: string
  /** Only clients with a certificate that one of these has signed come in. */
  readonly clientCa?: string | undefined
  /** Clients are asked for a certificate, and any will do; see `peerKey`. */
  readonly asksClientCert?: boolean | undefined
}

/** Credentials made ready for any number of conns; see `startTls`. */
export interface TlsContext {
  readonly secureContext: SecureContext
  readonly wantsClientCert: boolean
  /** Clients may show whatever certificate they have. */
  readonly asksClientCert?: boolean
}

/**
 * TLS 1.2 and newer, without renegotiation.
 * @throws RangeError that says what is wrong with the credentials, and holds nothing of them
 */
export const createTlsContext = ({
  cert,
  key,
  clientCa,
  asksClientCert = false,
}: TlsCredentials): TlsContext => {
  const certificate = readCertificate(cert, 'the certificate')
  if (clientCa !== undefined) readCertificate(clientCa, 'the certificate of the client CA')
  if (!certificate.checkPrivateKey(readKey(key))) {
    throw new RangeError('the key does not belong to the certificate')
  }
  try {
    const secureContext = createSecureContext({
      cert,
      key,
      ca: clientCa,
      minVersion: 'TLSv1.2',
      honorCipherOrder: true,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      // Without one, OpenSSL resumes no session in which it has asked for a certificate, but fails it.
      sessionIdContext: 'sluice',
    })
    return { secureContext, wantsClientCert: clientCa !== undefined, asksClientCert }
  } catch (cause) {
    throw new RangeError(`the certificate or its chain cannot be used (${reasonOf(cause)})`, { cause })
  }
}

const readCertificate = (pem: string, what: string): X509Certificate => {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw new RangeError(`${what} is not a PEM certificate (${reasonOf(cause)})`, { cause })
  }
}

const readKey = (pem: string): KeyObject => {
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    throw new RangeError(`the key is not an unencrypted PEM private key (${reasonOf(cause)})`, { cause })
  }
}

/** OpenSSL's own words without the numbers around them. */
export const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const reason: unknown = 'reason' in error ? error.reason : undefined
  return typeof reason === 'string' ? reason : error.message
}
