import { WireError } from './wire-error.ts'

type Units = Readonly<Record<string, number>>

const BYTES: Units = {
  TiB: 2 ** 40,
  TB: 1e12,
  GiB: 2 ** 30,
  GB: 1e9,
  MiB: 2 ** 20,
  MB: 1e6,
  KiB: 2 ** 10,
  KB: 1e3,
  // As SI spells it; read, and never written.
  kB: 1e3,
  B: 1,
}
const MILLISECONDS: Units = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 }
const QUANTITY = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/
/** Longer than any quantity needs; no input is unbounded. */
const MAX_TEXT_LENGTH = 32

export type QuotaPeriod = 'day' | 'week' | 'month'

/** So many bytes; in each period where there is one, else in all. */
export interface QuotaText {
  readonly bytes: number
  readonly period?: QuotaPeriod
}

/**
 * Bytes: `10GiB`, `1.5MB`, `4096`. KB, MB, GB, TB are powers of 1000, KiB, MiB, GiB, TiB of 1024, and a bare number is
 * bytes. `kB` is KB. Units are spelled exactly so: `kb` and `Mb` would leave open whether bits are meant. No blanks, no sign.
 *
 * @returns a whole number (rounded) up to Number.MAX_SAFE_INTEGER
 * @throws WireError WIRE_VALUE
 */
export function parseSize(text: string): number {
  return parseQuantity(text, BYTES, 1) ?? refuse(text, 'a size such as 4096, 500KB or 10GiB')
}

/** Bytes per second: a size, with or without `/s` (`250KB/s`, `1MiB`). 0 is 0. @throws WireError WIRE_VALUE */
export function parseRate(text: string): number {
  const size = text.endsWith('/s') ? text.slice(0, -2) : text
  return parseQuantity(size, BYTES, 1) ?? refuse(text, 'a rate such as 65536, 250KB/s or 1MiB/s')
}

/** Milliseconds: `500ms`, `30s`, `1.5m`, `1h`, `1d`; a bare number is seconds. @throws WireError WIRE_VALUE */
export function parseDuration(text: string): number {
  return (
    parseQuantity(text, MILLISECONDS, 1000) ??
    refuse(text, 'a duration such as 30 (seconds), 500ms, 2m, 1h or 1d')
  )
}

/** A size, alone or per day, week or month: `10GiB`, `1GB/day`, `10GiB/month`. @throws WireError WIRE_VALUE */
export function parseQuota(text: string): QuotaText {
  const [, size = '', period] = /^([^/]*)(?:\/(day|week|month))?$/.exec(text) ?? []
  const bytes = parseQuantity(size, BYTES, 1) ?? refuse(text, 'a quota such as 10GiB, 1GB/day or 10GiB/month')
  return period === undefined ? { bytes } : { bytes, period: period as QuotaPeriod }
}

/** The largest unit that says it exactly with at most two decimals: `1.5KiB`, `1234567B`. {@link parseSize} reads it back. */
export function formatSize(bytes: number): string {
  return formatQuantity(bytes, BYTES)
}

/** As {@link formatSize}, with `/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatQuantity(bytesPerSecond, BYTES)}/s`
}

/** As {@link formatSize}, in `ms`, `s`, `m`, `h`, `d`. {@link parseDuration} reads it back. */
export function formatDuration(ms: number): string {
  return formatQuantity(ms, MILLISECONDS)
}

export function formatQuota({ bytes, period }: QuotaText): string {
  return period === undefined ? formatSize(bytes) : `${formatSize(bytes)}/${period}`
}

function parseQuantity(text: string, units: Units, bareUnit: number): number | undefined {
  if (text.length > MAX_TEXT_LENGTH) return undefined
  const [, number, unit = ''] = QUANTITY.exec(text) ?? []
  const scale = unit === '' ? bareUnit : Object.hasOwn(units, unit) ? units[unit]! : Number.NaN
  const value = Math.round(Number(number) * scale)
  return Number.isSafeInteger(value) ? value : undefined
}

function formatQuantity(value: number, units: Units): string {
  const [smallest] = Object.keys(units).slice(-1)
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new WireError('WIRE_VALUE', `${value} is not a whole number of ${smallest}`)
  }
  // 1.1 * 1e6 is not 1100000 in floating point, so integers decide; near 2^53 the reader's product must hit the value too.
  const hundredths = BigInt(value) * 100n
  for (const [unit, scale] of Object.entries(units)) {
    const isExact = hundredths % BigInt(scale) === 0n && Math.round((value / scale) * scale) === value
    if (value >= scale && isExact) return `${value / scale}${unit}`
  }
  return `${value}${smallest}`
}

function refuse(text: string, wanted: string): never {
  throw new WireError('WIRE_VALUE', `${JSON.stringify(text.slice(0, MAX_TEXT_LENGTH))} is not ${wanted}`)
}
