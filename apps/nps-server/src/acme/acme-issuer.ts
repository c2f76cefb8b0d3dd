import { Agent } from 'node:https'
import { rootCertificates } from 'node:tls'
import type { Client } from 'acme-client'
import type { CertificateFiles, Issued } from './certificate-files.ts'
import type { Proofs } from './proofs.ts'

/** Whoever gives certificates out. */
export interface Issuer {
  /** @throws Error that says why there is none */
  issue(name: string): Promise<Issued>
}

export interface AcmeIssuerOptions {
  readonly directory: string
  readonly email: string | undefined
  /** PEM of authorities that are trusted besides those that Node knows. */
  readonly ca: string | undefined
  readonly files: CertificateFiles
  readonly proofs: Proofs
}

/** Of one answer. */
const ANSWER_MS = 30_000
/** Between looks whether a name counts as proven. */
const LOOK = { backoffAttempts: 20, backoffMin: 1000, backoffMax: 10_000 }

/** Certificates by ACME (RFC 8555), with names proven over HTTP. The library is loaded once one is wanted. */
export class AcmeIssuer implements Issuer {
  readonly #options: AcmeIssuerOptions
  #client: Promise<Client> | undefined = undefined

  constructor(options: AcmeIssuerOptions) {
    this.#options = options
  }

  async issue(name: string): Promise<Issued> {
    const { crypto } = await import('acme-client')
    const { email, proofs } = this.#options
    const client = await this.#connected()
    const [key, csr] = await crypto.createCsr({ altNames: [name] }, await crypto.createPrivateEcdsaKey())
    const chain = await client.auto({
      csr,
      ...(email !== undefined && { email }),
      termsOfServiceAgreed: true,
      // From here a name may lead elsewhere than for them.
      skipChallengeVerification: true,
      challengePriority: ['http-01'],
      challengeCreateFn: (_authorization, { type, token }, proof) => {
        if (type !== 'http-01')
          return Promise.reject(new Error(`no way to prove ${name} over HTTP is offered`))
        proofs.add(name, token, proof)
        return Promise.resolve()
      },
      challengeRemoveFn: (_authorization, { token }) => Promise.resolve(proofs.remove(name, token)),
    })
    return { chain, key: key.toString() }
  }

  #connected(): Promise<Client> {
    this.#client ??= this.#connect()
    // Whatever was wrong may have been mended by the next time.
    this.#client.catch(() => (this.#client = undefined))
    return this.#client
  }

  async #connect(): Promise<Client> {
    const acme = await import('acme-client')
    const { directory: directoryUrl, ca, files } = this.#options
    const { defaults } = acme.axios
    defaults.timeout = ANSWER_MS
    // What fails is tried again, later, by whoever asks for certificates.
    Object.assign(defaults, { acmeSettings: { retryMaxAttempts: 0 } })
    if (ca !== undefined) defaults.httpsAgent = new Agent({ ca: [...rootCertificates, ca] })
    const accountKey = await files.accountKey(async () =>
      (await acme.crypto.createPrivateEcdsaKey()).toString(),
    )
    return new acme.Client({ directoryUrl, accountKey, ...LOOK })
  }
}
