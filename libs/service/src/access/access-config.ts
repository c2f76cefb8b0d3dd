import { z } from 'zod'
import { sourceAddress } from '../cli-types.ts'
import type { ConfigSchema } from '../config-options.ts'
import type { Rule } from './rule.ts'
import { readRules } from './rule-reader.ts'

/** What every door that dials for users can be told about where they may go, and from where. */
export interface AccessConfig {
  source: string | undefined
  rules: readonly Rule[]
}

const rules: z.ZodType<readonly Rule[]> = z.unknown().transform((value, context) => {
  const { rules: read, problems } = readRules(value)
  for (const message of problems) context.addIssue({ code: 'custom', message })
  return read
})

export const accessSchema: ConfigSchema<AccessConfig> = z.object({
  source: sourceAddress.optional().meta({
    description: 'address of this machine that connections are made from, for users without one of their own',
    group: 'access',
    live: true,
  }),
  rules: rules.prefault([]).meta({
    description: 'who may go where, and through what, in order; see Access',
    placeholder: 'LIST',
    wanted: 'a list of rules',
    from: ['file'],
    group: 'access',
    live: true,
    nested: true,
  }),
})
