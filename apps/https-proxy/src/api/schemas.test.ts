import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { PRIORITIES } from '../job.ts'
import { plainPreamble, preambleSchema } from './schemas.ts'

const texts = fc.oneof(
  fc.constantFrom(
    'GET',
    'X-A',
    '',
    ' x',
    'x ',
    'a\tb',
    '\u00e9',
    '\u0100',
    'A'.repeat(33),
    'high',
    'https://a/',
  ),
  fc.string(),
)
const anything = fc.oneof(
  texts,
  fc.integer(),
  fc.double(),
  fc.constant(null),
  fc.constant(undefined),
  fc.object(),
)
const pair = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom('X-A', 'accept', 'bad name', ''), texts) },
  { weight: 1, arbitrary: fc.array(anything, { maxLength: 3 }) },
)
const preambles = fc.record(
  {
    method: fc.oneof(fc.constantFrom('GET', 'post', 'CONNECT'), anything),
    url: fc.oneof({ weight: 5, arbitrary: fc.constant('https://example.com/') }, anything),
    headers: fc.oneof({ weight: 5, arbitrary: fc.array(pair, { maxLength: 3 }) }, anything),
    redirects: fc.oneof(fc.nat(), anything),
    priority: fc.oneof(fc.constantFrom(...PRIORITIES), anything),
    body: texts,
  },
  { requiredKeys: ['url'] },
)

it('takes the short way to what the schema says, or none', () => {
  let short = 0
  fc.assert(
    fc.property(fc.oneof({ weight: 9, arbitrary: preambles }, anything), (value) => {
      const plain = plainPreamble(value)
      if (plain === undefined) return
      short += 1
      expect(preambleSchema.parse(value)).toEqual(plain)
    }),
    { numRuns: 3000 },
  )
  expect(short).toBeGreaterThan(20)
})

it('takes the short way for all that is usual', () => {
  const url = 'https://example.com/'
  for (const value of [
    { url },
    { url, method: 'PUT', headers: [['X-A', 'b c']], redirects: 3, priority: 'low' },
    { url, headers: Array.from({ length: 100 }, () => ['X-A', '']) },
  ]) {
    expect(plainPreamble(value)).toEqual(preambleSchema.parse(value))
    expect(plainPreamble(value)).toBeDefined()
  }
})

it('leaves to the schema what may be wrong', () => {
  const url = 'https://example.com/'
  for (const value of [
    undefined,
    'x',
    [],
    {},
    { url, other: 1 },
    { url: 'x'.repeat(8193) },
    { url, headers: Array.from({ length: 101 }, () => ['X-A', '']) },
    { url, headers: [['X-A']] },
    { url, headers: [['X-A', ' b']] },
    { url, redirects: -1 },
    { url, redirects: 0.5 },
    { url, priority: 'higher' },
    { url, method: null },
  ]) {
    expect(plainPreamble(value)).toBeUndefined()
  }
})
