import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  formatDuration,
  formatQuota,
  formatRate,
  formatSize,
  parseDuration,
  parseQuota,
  parseRate,
  parseSize,
} from './quantity.ts'
import { codeOf } from './testing/code-of.ts'

test.each([
  ['0', 0],
  ['4096', 4096],
  ['100B', 100],
  ['1KB', 1000],
  ['1500kB', 1_500_000],
  ['1KiB', 1024],
  ['1MB', 1_000_000],
  ['1MiB', 1_048_576],
  ['1GB', 1_000_000_000],
  ['10GiB', 10_737_418_240],
  ['1TB', 1_000_000_000_000],
  ['1TiB', 1_099_511_627_776],
  ['1.5MiB', 1_572_864],
  ['0.1TB', 100_000_000_000],
  ['1.1MB', 1_100_000],
  ['0.3KiB', 307],
  ['1.5', 2],
  ['007', 7],
  ['9007199254740991', Number.MAX_SAFE_INTEGER],
])('size %s', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes)
})

test.each([
  '',
  ' ',
  'B',
  'GiB',
  '-1',
  '+1',
  '1e3',
  '0x10',
  '1,5MB',
  '.5MB',
  '1.MB',
  '1 MB',
  ' 1MB',
  '1MB ',
  '1MB\n',
  '1kb',
  '1kiB',
  '1Kb',
  '1mb',
  '1gib',
  '1M',
  '1K',
  '1PB',
  '1MB/s',
  '1constructor',
  '9007199254740992',
  '9000TiB',
  'Infinity',
  'NaN',
  '1'.repeat(33),
  `0.${'0'.repeat(40)}1GB`,
])('%j is no size', (text) => {
  expect(codeOf(() => parseSize(text))).toBe('WIRE_VALUE')
})

test.each([
  ['250KB/s', 250_000],
  ['1MiB/s', 1_048_576],
  ['1MiB', 1_048_576],
  ['65536', 65_536],
  ['65536/s', 65_536],
  ['0', 0],
])('rate %s', (text, bytesPerSecond) => {
  expect(parseRate(text)).toBe(bytesPerSecond)
})

test.each(['', '/s', '1MB/', '1MB/S', '1MB/h', '1MB/s/s', '1Mbit/s', '1MBps', '1MB /s'])(
  '%j is no rate',
  (text) => {
    expect(codeOf(() => parseRate(text))).toBe('WIRE_VALUE')
  },
)

test.each([
  ['30', 30_000],
  ['0', 0],
  ['0.5', 500],
  ['500ms', 500],
  ['30s', 30_000],
  ['2m', 120_000],
  ['1h', 3_600_000],
  ['1d', 86_400_000],
  ['1.5h', 5_400_000],
])('duration %s', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each(['', 's', '-1s', '1S', '1min', '1M', '1w', '1h30m', '1 h', '300000000000d'])(
  '%j is no duration',
  (text) => {
    expect(codeOf(() => parseDuration(text))).toBe('WIRE_VALUE')
  },
)

test.each([
  ['10GiB', { bytes: 10_737_418_240 }],
  ['1GB/day', { bytes: 1_000_000_000, period: 'day' }],
  ['1.5GB/month', { bytes: 1_500_000_000, period: 'month' }],
  ['20GB/week', { bytes: 20_000_000_000, period: 'week' }],
  ['0/day', { bytes: 0, period: 'day' }],
])('quota %s', (text, quota) => {
  expect(parseQuota(text)).toStrictEqual(quota)
})

test.each([
  '',
  '/day',
  '1GB/',
  '1GB/year',
  '1GB/weekly',
  '1GB/Day',
  '1GB/s',
  '1GB/day/month',
  'day',
  `1GB${'/day'.repeat(9)}`,
])('%j is no quota', (text) => {
  expect(codeOf(() => parseQuota(text))).toBe('WIRE_VALUE')
})

test('an error says what it got, shortened, and what was wanted', () => {
  expect(() => parseRate('1Mbit/s\n')).toThrow(
    String.raw`"1Mbit/s\n" is not a rate such as 65536, 250KB/s or 1MiB/s`,
  )
  expect(() => parseSize('x'.repeat(10_000))).toThrow(`"${'x'.repeat(32)}" is not a size`)
})

describe('formatting', () => {
  test.each([
    [0, '0B'],
    [999, '999B'],
    [1000, '1KB'],
    [1024, '1KiB'],
    [1536, '1.5KiB'],
    [1500, '1.5KB'],
    [1_100_000, '1.1MB'],
    [1_048_576, '1MiB'],
    [10_000_000_000, '10GB'],
    [1_234_567, '1234567B'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991B'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text)
    expect(formatRate(bytes)).toBe(`${text}/s`)
  })

  test.each([
    [0, '0ms'],
    [1, '1ms'],
    [1500, '1.5s'],
    [90_000, '1.5m'],
    [86_400_000, '1d'],
    [61_000, '61s'],
  ])('%d ms are %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  test('what is formatted is read back, round numbers and others', () => {
    const scale = fc.constantFrom(1, 10, 1000, 1024, 1_000_000, 2 ** 20, 86_400_000)
    const number = fc.oneof(
      fc.maxSafeNat(),
      fc.tuple(fc.nat(100_000), scale).map(([n, unit]) => n * unit),
    )
    fc.assert(
      fc.property(
        number,
        fc.constantFrom('day' as const, 'week' as const, 'month' as const),
        (value, period) => {
          expect(parseSize(formatSize(value))).toBe(value)
          expect(parseRate(formatRate(value))).toBe(value)
          expect(parseDuration(formatDuration(value))).toBe(value)
          for (const quota of [{ bytes: value }, { bytes: value, period }]) {
            expect(parseQuota(formatQuota(quota))).toStrictEqual(quota)
          }
        },
      ),
      { numRuns: 1000 },
    )
  })

  test.each([-1, 0.5, Number.NaN, Infinity, 2 ** 53])('%d cannot be formatted', (value) => {
    expect(codeOf(() => formatSize(value))).toBe('WIRE_VALUE')
    expect(codeOf(() => formatDuration(value))).toBe('WIRE_VALUE')
  })
})

test('any text gives a whole number or a WireError', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^\d{1,20}(\.\d{1,5})?([KMGT]i?)?B?(\/s|\/day)?$/))
  fc.assert(
    fc.property(text, (input) => {
      for (const parse of [parseSize, parseRate, parseDuration, (quota: string) => parseQuota(quota).bytes]) {
        try {
          expect(parse(input)).toSatisfy(Number.isSafeInteger)
        } catch (error) {
          expect(error).toMatchObject({ code: 'WIRE_VALUE' })
        }
      }
    }),
  )
})
