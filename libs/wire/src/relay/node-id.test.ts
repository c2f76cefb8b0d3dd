import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codeOf } from '../testing/code-of.ts'
import { countUp } from '../testing/ss-codecs.ts'
import { formatNodeId, isZero, nodeIdOf, parseNodeId } from './node-id.ts'

const anyId = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((id) => !isZero(id))

test('a NodeID is the SHA-256 of a public key', () => {
  const key = countUp(32)
  expect(Buffer.from(nodeIdOf(key))).toEqual(createHash('sha256').update(key).digest())
  expect(formatNodeId(nodeIdOf(key))).toBe('7ffZx9dmRweYnDbecGybaF66gitu9cbWBsJBzNEWF47v')
})

describe('its text', () => {
  test('is read as what it was written from', () => {
    fc.assert(
      fc.property(anyId, (id) => {
        const text = formatNodeId(id)
        expect(text.length).toBeGreaterThanOrEqual(32)
        expect(text.length).toBeLessThanOrEqual(44)
        expect(parseNodeId(text)).toEqual(id)
      }),
    )
  })

  test('is the only one of its NodeID', () => {
    const texts = fc.oneof(
      fc.string({ unit: fc.constantFrom('1', '2', '9', 'A', 'x', 'z'), minLength: 30, maxLength: 46 }),
      anyId.chain((id) => fc.constantFrom(formatNodeId(id), `1${formatNodeId(id)}`, ` ${formatNodeId(id)}`)),
      fc.string(),
    )
    fc.assert(
      fc.property(texts, (text) => {
        let id: Uint8Array | undefined
        expect([undefined, 'WIRE_VALUE']).toContain(codeOf(() => (id = parseNodeId(text))))
        if (id !== undefined) expect(formatNodeId(id)).toBe(text)
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    ['nothing', ''],
    ['32 octets of zeros', '1'.repeat(32)],
    ['31 octets', formatNodeId(countUp(31, 1))],
    ['33 octets', formatNodeId(countUp(33, 1))],
    ['a letter that Base58 leaves out', `0${formatNodeId(countUp(32, 1)).slice(1)}`],
    ['a blank in front', ` ${formatNodeId(countUp(32, 1))}`],
    ['a line feed behind', `${formatNodeId(countUp(32, 1))}\n`],
    ['a megabyte', '2'.repeat(1_000_000)],
  ])('is not %s', (_what, text) => {
    expect(codeOf(() => parseNodeId(text))).toBe('WIRE_VALUE')
  })
})
