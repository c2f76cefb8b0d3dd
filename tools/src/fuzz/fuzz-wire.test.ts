import { WireError } from '@sluice/wire'
import { expect, it } from 'vitest'
import { brokenLaw, type FuzzedCodec } from './codec-laws.ts'
import { fuzzCodecs } from './fuzz-wire.ts'

type Decode = FuzzedCodec['decode']

const SAMPLE = [Uint8Array.of(2, 8, 9)]
/** A length from 0 to 9 and as many bytes. */
const sound: Decode = (bytes) => {
  const length = bytes[0] ?? 0
  if (length > 9) throw new WireError('WIRE_LENGTH', 'over 9')
  if (bytes.length === 0 || bytes.length <= length) return undefined
  return { value: [...bytes.subarray(1, 1 + length)], size: 1 + length }
}
const fuzz = (decode: Decode): string[] =>
  fuzzCodecs([{ name: 'planted', decode, sample: SAMPLE }], {
    seconds: 0,
    cases: 256,
    seed: 1,
    say: () => undefined,
  })

const planted: [what: string, flaw: RegExp, decode: Decode][] = [
  [
    'another error',
    /threw RangeError/,
    (bytes) => (bytes[0] === 2 && bytes[1] !== 8 ? fail() : sound(bytes)),
  ],
  ['a size over the input', /gave size/, (bytes) => sound(bytes) && { value: 0, size: bytes.length + 1 }],
  ['a size of 0', /gave size 0/, (bytes) => sound(bytes) && { value: 0, size: 0 }],
  [
    'a verdict that changes',
    /the first \d+ bytes give/,
    (bytes) => (bytes.length > 4 ? undefined : sound(bytes)),
  ],
  ['a tail that counts', /with more behind/, (bytes) => sound(bytes) && { value: bytes.length, size: 1 }],
  ['a changed input', /changed its input/, (bytes) => sound(bytes.fill(1, 1, 2))],
]

const failAtTwo: Decode = (bytes) => (bytes.length === 2 ? fail() : undefined)

function fail(): never {
  throw new RangeError('planted')
}

it('finds nothing wrong with a codec that keeps the laws', () => {
  expect(fuzz(sound)).toEqual([])
})

it.each(planted)('finds %s, and tells codec and input', (_what, flaw, decode) => {
  const [found = '', ...more] = fuzz(decode)
  expect(more).toEqual([])
  expect(found).toMatch(flaw)
  expect(found).toMatch(/^planted: [^]*\n  input: ([0-9a-f]{2})*$/)
})

it('looks at the input and at what stands before the cut', () => {
  const codec = { name: 'planted', decode: failAtTwo, sample: SAMPLE }
  expect(brokenLaw(codec, Uint8Array.of(1, 2, 3), 1)).toBeUndefined()
  expect(brokenLaw(codec, Uint8Array.of(1, 2, 3), 2)).toMatch(/^at the first 2 bytes: threw RangeError/)
})
