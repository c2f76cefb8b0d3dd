import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { childOf, formatTraceparent, parseTraceparent, type TraceContext } from './trace-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const hex = (length: number): fc.Arbitrary<string> =>
  fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`)).filter((id) => !/^0+$/.test(id))
const contexts: fc.Arbitrary<TraceContext> = fc.record({
  traceId: hex(32),
  spanId: hex(16),
  flags: fc.nat(3),
})

describe('a traceparent', () => {
  it('is read', () => {
    const wanted = { traceId: TRACE, spanId: SPAN, flags: 1 }
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-01`)).toEqual(wanted)
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01`)).toEqual(wanted)
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-else`)).toEqual(wanted)
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-fd`)).toEqual(wanted)
  })

  it.each([
    ['nothing', ''],
    ['no version', `${TRACE}-${SPAN}-01`],
    ['a version that cannot be', `ff-${TRACE}-${SPAN}-01`],
    ['a trace that is none', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span that is none', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['more than version 00 has', `00-${TRACE}-${SPAN}-01-x`],
    ['more, without a dash', `01-${TRACE}-${SPAN}-01x`],
    ['a short flag', `00-${TRACE}-${SPAN}-1`],
    ['blanks', ` 00-${TRACE}-${SPAN}-01`],
    ['two', `00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`],
    ['endless', `01-${TRACE}-${SPAN}-01-${'x'.repeat(500)}`],
    ['a line break', `01-${TRACE}-${SPAN}-01-\n`],
  ])('is refused where it is %s', (_what, value) => {
    expect(parseTraceparent(value)).toBeUndefined()
  })

  it('is written as it is read', () => {
    fc.assert(
      fc.property(contexts, (context) => {
        expect(parseTraceparent(formatTraceparent(context))).toEqual(context)
      }),
    )
  })

  it('of a child has the same trace, and a span of its own', () => {
    fc.assert(
      fc.property(contexts, (context) => {
        const child = childOf(context)
        expect(child).toEqual({ ...context, spanId: expect.stringMatching(/^[89a-f][0-9a-f]{15}$/) })
        expect(child.spanId).not.toBe(context.spanId)
        expect(parseTraceparent(formatTraceparent(child))).toEqual(child)
      }),
    )
  })

  it('of any text is one or none', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseTraceparent(text)))
  })
})
