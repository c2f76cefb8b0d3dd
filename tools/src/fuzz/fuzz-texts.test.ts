import { expect, it } from 'vitest'
import { fuzzParsers } from './fuzz-texts.ts'
import { type FuzzedParser, parsers } from './parsers.ts'

const fuzz = (those: readonly FuzzedParser[]): string[] =>
  fuzzParsers(those, { seconds: 0, cases: 256, seed: 1, say: () => undefined })

const sound: FuzzedParser = {
  name: 'planted',
  refusals: [RangeError],
  sample: ['12', '345'],
  parse: (text) => {
    if (!/^[1-9]\d{0,5}$/.test(text)) throw new RangeError('no number')
    return Number(text)
  },
  format: (value: number): string => String(value),
}

it('finds nothing wrong with a parser that keeps its word, nor with ours', () => {
  expect(fuzz([sound])).toEqual([])
  expect(fuzz(parsers)).toEqual([])
})

it.each<[string, RegExp, Partial<FuzzedParser>]>([
  ['another error', /threw RangeError/, { refusals: [SyntaxError] }],
  [
    'a value that is read otherwise when it is written',
    /gives \d+, written "\d+0", which gives \d+0/,
    { format: (value: number): string => `${value}0` },
  ],
  [
    'a value that is written as what is none',
    /which gives "RangeError: no number"/,
    { format: (value: number): string => `${value} ` },
  ],
  ['what it calls a flaw itself', /planted: too many/, { flaw: (): string => 'too many' }],
])('finds %s, and tells parser and input', (_what, flaw, planted) => {
  const [found = '', ...more] = fuzz([{ ...sound, ...planted }])
  expect(more).toEqual([])
  expect(found).toMatch(flaw)
  expect(found).toMatch(/^planted: [^]*\n {2}input: "/)
})
