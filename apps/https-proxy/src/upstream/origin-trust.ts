import { X509Certificate } from 'node:crypto'
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls'
import { type Log, Seldom } from '@sluice/service'

/** A certificate and its key, PEM. */
export interface ClientCertificate {
  readonly cert: string
  readonly key: string
}

export interface OriginTrustOptions {
  /** PEM of authorities that are trusted beside those that come with Node. */
  readonly ca?: string | undefined
  /** What an origin that asks for a certificate is shown, by origin, such as `https://example.org`. */
  readonly certs?: ReadonlyMap<string, ClientCertificate> | undefined
  /** Names, in lower case, whose certificate may be whatever it is. Nobody knows who answers there. */
  readonly insecureHosts?: ReadonlySet<string> | undefined
  readonly log: Pick<Log, 'warn'>
  /** Monotonic, ms. */
  readonly now?: (() => number) | undefined
}

export interface OriginTerms {
  readonly secureContext: SecureContext
  readonly isVerified: boolean
}

const LOG_MS = 60_000

/** Whom to believe that they are an origin, and what to show them. */
export class OriginTrust {
  readonly #byOrigin = new Map<string, SecureContext>()
  readonly #others: SecureContext
  readonly #insecure: ReadonlySet<string>
  readonly #log: Pick<Log, 'warn'>
  readonly #seldom: Seldom

  /** @throws RangeError that says which certificate is of no use, and holds nothing of it */
  constructor({ ca, certs = new Map(), insecureHosts = new Set(), log, now }: OriginTrustOptions) {
    // Left out where nothing is added, since then all contexts share the store that Node has made already.
    const trusted = ca === undefined ? undefined : [...rootCertificates, ...certificatesOf(ca)]
    this.#others = contextOf(trusted, undefined, 'the authorities of origins')
    for (const [origin, cert] of certs) this.#byOrigin.set(origin, contextOf(trusted, cert, origin))
    this.#insecure = insecureHosts
    this.#log = log
    this.#seldom = new Seldom(LOG_MS, now)
  }

  termsFor(url: URL): OriginTerms {
    const host = url.hostname
    const isVerified = !this.#insecure.has(host)
    if (!isVerified && this.#seldom.due(host)) this.#log.warn({ host }, 'origin.insecure')
    return { secureContext: this.#byOrigin.get(url.origin) ?? this.#others, isVerified }
  }
}

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

const certificatesOf = (ca: string): string[] => {
  const found = ca.match(PEM) ?? []
  if (found.length === 0) throw new RangeError('the file of authorities has no PEM certificate')
  return found.map((pem, at) => {
    try {
      return new X509Certificate(pem).toString()
    } catch (cause) {
      throw new RangeError(`certificate ${at + 1} of the file of authorities cannot be read`, { cause })
    }
  })
}

const contextOf = (
  ca: readonly string[] | undefined,
  own: ClientCertificate | undefined,
  what: string,
): SecureContext => {
  const trusted = ca === undefined ? {} : { ca: [...ca] }
  try {
    return createSecureContext({ ...trusted, ...own, minVersion: 'TLSv1.2' })
  } catch (cause) {
    throw new RangeError(`the certificate or key for ${what} cannot be used`, { cause })
  }
}
