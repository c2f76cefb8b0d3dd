import { type ConfigSchema, textType, wholeNumber } from '@sluice/service'
import { formatDuration, parseDuration, parseRate, parseSize } from '@sluice/wire'
import { z } from 'zod'
import type { RelayLimits } from './limits.ts'
import { PRESET_NAMES, type PresetName, PRESETS } from './presets.ts'

/** What is given away at most: where nothing is said, as the preset has it. */
export interface LimitsConfig {
  preset: PresetName
  reservations: number | undefined
  reservationsPerIp: number | undefined
  circuits: number | undefined
  circuitsPerIp: number | undefined
  circuitsPerPeer: number | undefined
  pendingPerPeer: number | undefined
  connectsPerMinute: number | undefined
  reservationTtlMs: number | undefined
  circuitDurationMs: number | undefined
  circuitBytes: number | undefined
  circuitRate: number | undefined
  circuitsRate: number | undefined
  acceptMs: number | undefined
  circuitIdleMs: number | undefined
}

const size = textType('SIZE', 'a size, such as 0, 500KB or 10GiB', parseSize)
const rate = textType('RATE', 'a rate, such as 0, 250KB/s or 1MiB/s', parseRate)
const time = textType('SECONDS', 'seconds, or a time with its unit, such as 0, 500ms or 2m', parseDuration)
const count = wholeNumber(0, 1_000_000_000)

/** A time that cannot be left out, ms. */
export const timeBetween = (min: number, max: number): z.ZodType<number, string | number> =>
  textType('SECONDS', `a time from ${formatDuration(min)} to ${formatDuration(max)}`, (written) => {
    const ms = parseDuration(written)
    if (ms < min || ms > max) throw new RangeError('out of range')
    return ms
  })

export const DAY_MS = 86_400_000
const limit = (
  type: z.ZodType<number, string | number>,
  description: string,
  flag?: string,
): z.ZodType<number | undefined> =>
  type.optional().meta({ description, group: 'limits', live: true, ...(flag !== undefined && { flag }) })

export const limitsSchema: ConfigSchema<LimitsConfig> = z.object({
  preset: z.enum(PRESET_NAMES).default('seed').meta({
    description:
      'limits to start from: seed, public for strangers, private without any; 0 in a limit is none',
    group: 'limits',
    live: true,
  }),
  reservations: limit(count, 'peers that can be reached at a time'),
  reservationsPerIp: limit(count, 'those of one address, of IPv6 a /64'),
  circuits: limit(count, 'circuits at a time, those that wait for their destination included'),
  circuitsPerIp: limit(count, 'those that come from one address, of IPv6 a /64'),
  circuitsPerPeer: limit(count, 'those of one peer, as source and as destination together'),
  pendingPerPeer: limit(count, 'circuits that may wait for the same destination'),
  connectsPerMinute: limit(count, 'circuits that a peer may ask for in a minute'),
  reservationTtlMs: limit(
    timeBetween(60_000, 30 * DAY_MS),
    'the longest life of a reservation that is not refreshed, 1m to 30d',
    'reservation-ttl',
  ),
  circuitDurationMs: limit(time, 'how long a circuit may last', 'circuit-duration'),
  circuitBytes: limit(size, 'what a circuit may carry each way'),
  circuitRate: limit(rate, 'bytes per second of a circuit, each way'),
  circuitsRate: limit(rate, 'bytes per second of all circuits together, each way'),
  acceptMs: limit(
    timeBetween(100, 600_000),
    'how long a destination may take to accept a circuit',
    'accept-timeout',
  ),
  circuitIdleMs: limit(time, 'how long a circuit may carry nothing either way', 'circuit-idle-timeout'),
})

/** The limits that hold. */
export const limitsOf = (config: LimitsConfig): RelayLimits => {
  const preset = PRESETS[config.preset]
  return {
    reservations: config.reservations ?? preset.reservations,
    reservationsPerIp: config.reservationsPerIp ?? preset.reservationsPerIp,
    circuits: config.circuits ?? preset.circuits,
    circuitsPerIp: config.circuitsPerIp ?? preset.circuitsPerIp,
    circuitsPerPeer: config.circuitsPerPeer ?? preset.circuitsPerPeer,
    pendingPerPeer: config.pendingPerPeer ?? preset.pendingPerPeer,
    connectsPerMinute: config.connectsPerMinute ?? preset.connectsPerMinute,
    reservationTtlMs: config.reservationTtlMs ?? preset.reservationTtlMs,
    durationMs: config.circuitDurationMs ?? preset.durationMs,
    dataBytes: config.circuitBytes ?? preset.dataBytes,
    rate: config.circuitRate ?? preset.rate,
    globalRate: config.circuitsRate ?? preset.globalRate,
    acceptMs: config.acceptMs ?? preset.acceptMs,
    idleMs: config.circuitIdleMs ?? preset.idleMs,
  }
}
