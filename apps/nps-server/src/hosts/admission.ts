import { type Account, type Directory, LevelHolds, type OwnLanes, type Serving } from '@sluice/service'
import type { LiveHost } from '../registry.ts'

/** Whose host it is, and when. */
export interface AdmissionTerms {
  readonly owner: Account
  readonly directory: Directory
  /** Wall clock. */
  readonly now: number
}

/** That a visitor's connection is within one host: it counts as one of the host's, of its client's and of its owner's. */
export class Admission implements Disposable {
  readonly live: LiveHost
  /** What passes is limited by all of them, and counted for all. */
  readonly lanes: OwnLanes
  readonly #holds: LevelHolds

  /** @throws ServiceError with the code of what stands in the way */
  constructor(live: LiveHost, session: Serving, { owner, directory, now }: AdmissionTerms) {
    const { levels } = live
    const entered = owner === session.account ? levels : [owner, ...levels]
    const hold = {
      kind: 'connection' as const,
      ip: session.client.host,
      credential: undefined,
      cut: session.cut.bind(session),
      relimit: (): void => this.#relimit(),
    }
    this.live = live
    this.#holds = new LevelHolds(entered, hold, now)
    directory.touch(owner)
    this.lanes = session.openLanes(owner, { node: directory.nodeShare(owner), levels })
  }

  [Symbol.dispose](): void {
    this.lanes.close()
    this.#holds[Symbol.dispose]()
  }

  #relimit(): void {
    this.lanes.up.relimit()
    this.lanes.down.relimit()
  }
}
