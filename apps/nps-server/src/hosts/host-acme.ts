import type { TlsPaths } from '@sluice/net'
import type { HostRecord } from '../records.ts'

/** Certificates that are asked for, as visitors meet them. */
export interface HostAcme {
  /** Where the certificate of a host is that has one by ACME. */
  pathsOf(record: Pick<HostRecord, 'autoCert' | 'host'>): TlsPaths | undefined
  /** What is to be answered at a path while the name is being proven. */
  proofOf(host: string, path: string): string | undefined
}

export const NO_ACME: HostAcme = { pathsOf: () => undefined, proofOf: () => undefined }
