import type { Conn, LaneWriter } from '@sluice/net'
import type { Serving } from '../../request.ts'
import type { UserLanes } from '../../user-lane.ts'
import type { IdleTargets } from './idle-targets.ts'
import type { OwnAnswer } from '../answer.ts'
import type { RequestLog } from './request-log.ts'
import type { RequestReader } from './request-reader.ts'
import type { ForwardSettings } from './settings.ts'

/** The connection whose request it is. */
export interface ExchangeHost {
  readonly session: Serving
  readonly settings: ForwardSettings
  readonly up: LaneWriter
  readonly down: LaneWriter
  readonly idle: IdleTargets
  readonly log: RequestLog
  /** No request may follow this one. */
  isLast: boolean
  readonly reader: RequestReader
  /** What it moves is limited and counted by these. */
  onLanes(lanes: UserLanes): void
  /** It is answered without a target. */
  onOwnAnswer(answer: OwnAnswer): void
  /** It has no target for now. */
  onDialling(): void
  /** The head and what had come of the body are on their way. */
  onSent(): void
  /** It has been answered, or its target has gone. */
  onProgress(): void
  onFailed(error: unknown): void
  /** Both sides speak another protocol from here on. */
  onSwitched(target: Conn): void
}
