import type { ConfigInput, Example, Log } from '@sluice/service'
import type { Readable, Writable } from 'node:stream'
import type { z } from 'zod'
import type { Screen } from './progress-line.ts'

export interface PeerIo {
  readonly version: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Screen
  /** The server's settings, with which peers may share a file. */
  readonly schema: z.ZodObject
  /** @default lines on stdout */
  readonly log?: Log
}

/** One command behind `peer`. */
export interface PeerVerb {
  /** With what it takes, such as `ping ID`. */
  readonly words: string
  /** One sentence. */
  readonly about: string
  /** More paragraphs of its help. */
  readonly more?: readonly string[]
  readonly schema: z.ZodObject
  /** Each with what follows `peer`. */
  readonly examples: readonly Example[]
  /** @returns the exit code @throws ConfigError, PeerError, NetError, the system's */
  run(input: ConfigInput, io: PeerIo): Promise<number>
}
