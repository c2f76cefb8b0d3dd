import type { AccountDefaults } from './account.ts'
import type { BaseConfig } from './config.ts'
import type { Log } from './log.ts'
import type { SessionConfig } from './session-config.ts'
import type { WayOutConfig } from './way-out.ts'

/** What any program can be told. */
export type ProgramConfig = BaseConfig & SessionConfig & WayOutConfig

export interface ProgramOptions {
  readonly app: string
  readonly version: string
  readonly config: ProgramConfig
  /** Names of the listeners that it may open, for rules to know. @default none */
  readonly doors?: readonly string[]
  readonly defaults?: AccountDefaults
  /**
   * Payload of circuits is that of two users each: the lanes of sessions `inCircuit` are limited by their users alone, and
   * the door sees to it that each byte passes the node once, by `directory.nodeShare`. @default false
   */
  readonly circuits?: boolean
  readonly env?: Readonly<Record<string, string | undefined>>
  /** @default lines on stdout */
  readonly log?: Log
}
