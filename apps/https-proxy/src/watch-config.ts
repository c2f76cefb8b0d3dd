import { type ConfigSchema, textType } from '@sluice/service'
import { z } from 'zod'
import { timeOf } from './config-kinds.ts'

/** What is told of requests while they are made. */
export interface WatchConfig {
  statsMs: number
  otlp: URL | undefined
}

const collector = textType('URL', 'an http or https URL', (written) => {
  const url = new URL(written)
  if (!/^https?:$/.test(url.protocol)) throw new RangeError('no collector')
  return url
})

export const watchSchema: ConfigSchema<WatchConfig> = z.object({
  statsMs: timeOf(1000).prefault('60').meta({
    description: 'how often the log tells the statistics',
    flag: 'stats-interval',
    group: 'operation',
    live: true,
  }),
  otlp: collector.optional().meta({
    description:
      'collector that is sent a span for each request, OTLP over HTTP, such as http://127.0.0.1:4318',
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    group: 'operation',
  }),
})
