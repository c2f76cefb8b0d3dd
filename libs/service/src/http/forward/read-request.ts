import type { ForwardedRequest } from '@sluice/wire'
import type { Account } from '../../account.ts'
import type { UserLanes } from '../../user-lane.ts'
import type { OwnAnswer } from '../answer.ts'

/** Where a request goes, and as whose. */
export interface Passage {
  /** As it is sent on. */
  readonly request: ForwardedRequest
  /** What limits and counts it; may be others than those of the request before. */
  readonly lanes: UserLanes
  /** Of its target: a conn that has served one request serves others of the same key. */
  readonly key: string
}

/** A request, and what there is to do before anybody is dialled for it. */
export interface ReadRequest extends ForwardedRequest {
  /**
   * Finds where it goes. Undefined: to its address, by the lanes of its session.
   * @param keep whether the connection stays open behind an answer
   * @throws what it is refused with
   */
  readonly pass?: ((keep: boolean) => Passage | OwnAnswer | Promise<Passage | OwnAnswer>) | undefined
  /** Whose it is, once that is known. For the log alone. @default its session's */
  readonly owner?: Account | undefined
  /** It is over, or its connection speaks another protocol (101), whether it was passed or not. @param status 0: no answer */
  readonly onDone?: ((status: number) => void) | undefined
}
