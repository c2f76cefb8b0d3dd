import { address, baseSchema, cidrs, type ConfigSchema, duration, type LogLevel } from '@sluice/service'
import type { Address } from '@sluice/wire'
import { z } from 'zod'

/** Of every command that connects to a bridge. */
export interface ConnectConfig {
  config: string | undefined
  enrollStdin: boolean
  logLevel: LogLevel
  graceMs: number
  help: boolean
}

export interface RunConfig extends ConnectConfig {
  allow: string[]
  files: string | undefined
  listing: boolean
  ops: Address | undefined
}

export interface StatusConfig extends ConnectConfig {
  json: boolean
}

export interface VisitConfig extends ConnectConfig {
  passwordStdin: boolean
  listen: Address
  open: boolean
}

/** In the file that a server may share, and in the environment, the same word is the server's. */
const FLAG_ALONE = { from: ['flag'] } as const
const base = baseSchema().shape

const connect: ConfigSchema<ConnectConfig> = z.object({
  config: base.config.meta({
    ...base.config.meta(),
    description: 'file with log-level and grace, YAML or JSON; that of a server will do',
  }),
  enrollStdin: z
    .boolean()
    .default(false)
    .meta({
      description: 'read the enrolment, which "client add" has printed, from standard input',
      group: 'server',
      ...FLAG_ALONE,
    }),
  logLevel: base.logLevel,
  graceMs: duration
    .prefault('30')
    .meta({ ...base.graceMs.meta(), description: 'how long streams may go on after SIGTERM' }),
  help: base.help,
})

export const runSchema: ConfigSchema<RunConfig> = connect.extend({
  allow: cidrs.prefault([]).meta({
    ...base.allow.meta(),
    description: 'what may be dialled besides this machine itself, be it public or not',
    ...FLAG_ALONE,
  }),
  files: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'folder whose files, and no others, visitors of file tunnels see; none unless given',
      group: 'files',
      placeholder: 'DIR',
      ...FLAG_ALONE,
    }),
  listing: z
    .boolean()
    .default(false)
    .meta({
      description: 'folders in --files that have no index.html show what is in them',
      group: 'files',
      ...FLAG_ALONE,
    }),
  ops: base.ops.meta({
    ...base.ops.meta(),
    description: 'where /healthz, /readyz and /metrics are served',
    ...FLAG_ALONE,
  }),
})

export const statusSchema: ConfigSchema<StatusConfig> = connect.extend({
  json: z
    .boolean()
    .default(false)
    .meta({ description: 'print one JSON value and nothing else', group: 'information', ...FLAG_ALONE }),
})

export const visitSchema: ConfigSchema<VisitConfig> = connect.extend({
  passwordStdin: z
    .boolean()
    .default(false)
    .meta({
      description: "read the secret tunnel's password from standard input, in a line behind the enrolment",
      group: 'tunnel',
      ...FLAG_ALONE,
    }),
  listen: address.meta({
    description: 'where programs on this machine come in',
    group: 'tunnel',
    ...FLAG_ALONE,
  }),
  open: z
    .boolean()
    .default(false)
    .meta({
      description: 'listen beyond loopback: whoever reaches the listener reaches the tunnel',
      group: 'tunnel',
      ...FLAG_ALONE,
    }),
})
