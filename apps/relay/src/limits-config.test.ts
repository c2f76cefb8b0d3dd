import { loadConfig } from '@sluice/service'
import { expect, it } from 'vitest'
import { schema } from './config.ts'
import type { RelayLimits } from './limits.ts'
import { limitsOf } from './limits-config.ts'
import { PRESETS } from './presets.ts'

const limits = (...argv: string[]): RelayLimits => limitsOf(loadConfig(schema, { argv, env: {} }).config)

it('are those of the preset where nothing is said', () => {
  expect(limits()).toEqual(PRESETS.seed)
  expect(limits('--preset', 'public')).toEqual(PRESETS.public)
  expect(limits('--preset', 'private')).toEqual(PRESETS.private)
})

it.each([
  ['reservations', '1', { reservations: 1 }],
  ['reservations-per-ip', '0', { reservationsPerIp: 0 }],
  ['circuits', '3', { circuits: 3 }],
  ['circuits-per-peer', '4', { circuitsPerPeer: 4 }],
  ['pending-per-peer', '5', { pendingPerPeer: 5 }],
  ['connects-per-minute', '6', { connectsPerMinute: 6 }],
  ['reservation-ttl', '10m', { reservationTtlMs: 600_000 }],
  ['circuit-duration', '0', { durationMs: 0 }],
  ['circuit-bytes', '128KiB', { dataBytes: 131_072 }],
  ['circuit-rate', '0', { rate: 0 }],
  ['circuits-rate', '10MB/s', { globalRate: 10_000_000 }],
  ['accept-timeout', '500ms', { acceptMs: 500 }],
  ['circuit-idle-timeout', '1h', { idleMs: 3_600_000 }],
])('--%s %s goes before the preset', (flag, value, wanted) => {
  expect(limits('--preset', 'public', `--${flag}`, value)).toEqual({ ...PRESETS.public, ...wanted })
})

it('does not take what would let nobody through', () => {
  for (const [flag, value] of [
    ['accept-timeout', '0'],
    ['reservation-ttl', '59s'],
    ['idle-timeout', '0'],
    ['reservations', '-1'],
    ['circuit-rate', 'fast'],
  ]) {
    expect(() => limits(`--${flag}`, value!), flag).toThrow(`--${flag}`)
  }
})
