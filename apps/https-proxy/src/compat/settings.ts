import type { Account, Directory } from '@sluice/service'
import type { Address } from '@sluice/wire'
import type { RequestDone } from '../api/settings.ts'
import type { Jobs } from '../job.ts'
import type { HeldBytes } from '../held-bytes.ts'
import type { FramePart } from './frame-reader.ts'

/** What holds for all clients of the original. */
export interface CompatSettings {
  readonly jobs: Jobs
  /** Whose requests those of a client are: there is no login. @throws ServiceError where nobody's are let in */
  readonly accountFor: (directory: Directory, client: Address) => Account
  /** How many redirects are followed; the original followed any. */
  readonly redirects: () => number
  /** Whether a client may send another request once it has its answer; the original closed by default. Read for each connection. */
  readonly keepAlive: boolean
  /** What requests that are read, or wait, and their answers may take in memory together. */
  readonly held: HeldBytes
  /** Told of each request that is over, besides its line in the log. */
  readonly onRequestDone?: ((done: RequestDone) => void) | undefined
}

/** How long a client may take to send each part of a request, and to begin one. */
export const COMPAT_DEADLINES: Readonly<Record<FramePart, number>> = {
  frame: 60_000,
  magic: 10_000,
  length: 10_000,
  body: 30_000,
}
