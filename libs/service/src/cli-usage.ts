import { StoreError } from '@sluice/userstore'
import type { HistoryRange, Usage } from '@sluice/userstore'
import { z } from 'zod'
import type { Call, CommandResult } from './cli-command.ts'
import { usageTable } from './cli-text.ts'
import { ConfigError } from './config-error.ts'
import { textType } from './config-types.ts'
import { csvLine } from './csv.ts'

export interface UsageFlags {
  format: 'text' | 'json' | 'csv' | undefined
  since: string | undefined
  until: string | undefined
  by: 'day' | 'period' | undefined
}

const day = textType('DATE', 'a day, such as 2027-01-31', (written) => z.iso.date().parse(written))
const from = ['flag'] as const

export const usageFlags: { [K in keyof UsageFlags]: z.ZodType<UsageFlags[K]> } = {
  format: z
    .enum(['text', 'json', 'csv'])
    .optional()
    .meta({ description: 'how to print it; text is for people, and rounded', from, group: 'information' }),
  since: day.optional().meta({ description: 'the first day, in the time zone of the quota', from }),
  until: day.optional().meta({ description: 'the last day, in the time zone of the quota', from }),
  by: z
    .enum(['day', 'period'])
    .optional()
    .meta({ description: 'a row for each day with traffic, or for each period of the quota', from }),
}

/** `user usage [NAME]`: the current period, or what was before where a day or `--by` is given. */
export async function usage(call: Call, flags: UsageFlags): Promise<CommandResult> {
  const { operand: name, store, given } = call
  const { format = 'text', since, until, by } = flags
  if (given.get('json')?.value === true && flags.format !== undefined && format !== 'json') {
    throw new ConfigError('USAGE', `--json: --format ${format} is given as well`)
  }
  const isHistory = since !== undefined || until !== undefined || by !== undefined
  if (isHistory) {
    const usages = await historyOf(call, {
      by: by ?? 'day',
      ...(since !== undefined && { from: since }),
      ...(until !== undefined && { to: until }),
    })
    return { json: usages, lines: linesOf(usages, format), format }
  }
  const usages = name === '' ? await store.usage() : await store.usage(name)
  return { json: name === '' ? usages : usages[0], lines: linesOf(usages, format), format }
}

const linesOf = (usages: readonly Usage[], format: CommandResult['format']): string[] =>
  format === 'csv' ? usageRecords(usages) : usageTable(usages)

const usageRecords = (usages: readonly Usage[]): string[] => [
  'name,period,up,down,total',
  ...usages.map(({ name, period, up, down, total }) => csvLine([name, period, up, down, total])),
]

async function historyOf({ operand: name, store }: Call, range: HistoryRange): Promise<readonly Usage[]> {
  if (name !== '') return store.history(name, range)
  const found: Usage[] = []
  for (const user of (await store.list()).users) {
    try {
      for (const each of await store.history(user.name, range)) found.push(each)
    } catch (error) {
      // Somebody has removed the user meanwhile.
      if (!(error instanceof StoreError && error.code === 'USER_UNKNOWN')) throw error
    }
  }
  return found
}
