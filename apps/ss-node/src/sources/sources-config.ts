import { type ConfigSchema, duration, text, textType } from '@sluice/service'
import { z } from 'zod'

/** Where the users of a node come from, besides its store. */
export interface SourcesConfig {
  /** The URL of a panel, with its token. */
  apiEndpoint: string | undefined
  /** From the end of one sync to the next, ms. */
  syncMs: number
  /** A file of users; undefined: `userconfigs.json` where there is no panel. */
  users: string | undefined
}

const endpoint = textType('URL', 'an http or https URL, with the token in its query', (written) => {
  const url = URL.parse(written)
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:'
  if (!isHttp || written.length > 2048) throw new RangeError('no URL')
  return written
})

/** Timers take no more than 2^31 ms; nobody asks a panel so seldom or so often. */
const interval = duration.refine((ms) => ms >= 1000 && ms <= 86_400_000, '1 s to 1 day')

export const sourcesSchema: ConfigSchema<SourcesConfig> = z.object({
  apiEndpoint: endpoint.optional().meta({
    description: 'panel that says who the users are and is told what they moved',
    env: 'SS_API_ENDPOINT',
    secret: true,
    group: 'users',
  }),
  syncMs: interval.prefault('60').meta({
    description: 'how long after one sync with the panel, or look at the file of users, the next begins',
    flag: 'sync-time',
    env: 'SS_SYNC_TIME',
    placeholder: 'SECONDS',
    wanted: 'seconds, or a time with its unit, from 1s to 24h',
    group: 'users',
  }),
  users: text.optional().meta({
    description: 'file of users; ./userconfigs.json unless there is a panel',
    placeholder: 'FILE',
    group: 'users',
  }),
})
