import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, type Program } from '@sluice/service'
import type { NpsServerConfig } from '../config.ts'
import type { HostAcme } from '../hosts/host-acme.ts'
import type { Registry } from '../registry.ts'
import { AcmeIssuer } from './acme-issuer.ts'
import { AutoCertificates } from './auto-certificates.ts'
import { CertificateFiles } from './certificate-files.ts'
import { Proofs } from './proofs.ts'

export interface OpenAcmeOptions {
  readonly program: Program
  readonly config: NpsServerConfig
  readonly registry: Registry
}

export interface Acme extends HostAcme {
  /** Once visitors can come, of whom whoever gives certificates is one. */
  start(): void
}

/** @throws ConfigError where --acme-ca cannot be read */
export const openAcme = ({ program, config, registry }: OpenAcmeOptions): Acme => {
  const { acmeDirectory: directory, acmeEmail: email, acmeAgree, acmeCa, data } = config
  const ca = acmeCa === undefined ? undefined : readCa(acmeCa)
  const files = new CertificateFiles(join(data, 'acme'))
  const proofs = new Proofs()
  const issuer = acmeAgree ? new AcmeIssuer({ directory, email, ca, files, proofs }) : undefined
  const certificates = new AutoCertificates({ registry, files, issuer, log: program.log })
  program.onStop(() => certificates.stop())
  return {
    pathsOf: ({ autoCert, host }) => (autoCert ? files.pathsOf(host) : undefined),
    proofOf: (host, path) => proofs.proofOf(host, path),
    start: () => certificates.start(),
  }
}

const readCa = (file: string): string => {
  try {
    return readFileSync(file, 'latin1')
  } catch (cause) {
    throw new ConfigError('CONFIG_INVALID', `--acme-ca: cannot read ${file}`, { cause })
  }
}
