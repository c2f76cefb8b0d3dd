import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_PATTERN_STEPS, NamePatterns, patternSteps } from './name-patterns.ts'

describe('NamePatterns', () => {
  const patterns = new NamePatterns([
    '^ads?[0-9]*\\.',
    'TRACKER',
    'net$',
    '(?P<x>a)1',
    '(?P<x>b)1',
    '\\Q.',
    'net$',
  ])

  it.each([
    ['ads7.example.com', ['^ads?[0-9]*\\.', '\\Q.']],
    ['AD.example.NET', ['^ads?[0-9]*\\.', 'net$', '\\Q.']],
    ['my-tracker', ['TRACKER']],
    ['A1B1', ['(?P<x>a)1', '(?P<x>b)1']],
    ['loads', []],
  ])('finds all that %s matches: %j', (name, found) => {
    expect(patterns.in(name)).toEqual(found)
  })

  it('finds nothing where there are none', () => {
    expect(new NamePatterns([]).in('example.com')).toEqual([])
  })

  it('finds what the regular expressions of the language find', () => {
    const piece = fc.constantFrom('a', 'b.', '[ab]', '(?:ab|ba)', '.*', 'a+', '\\.', 'b?', '^', '$', '\\b')
    const pattern = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(''))
    const name = fc.string({ unit: fc.constantFrom('a', 'B', 'b', '.', '-'), maxLength: 12 })
    fc.assert(
      fc.property(fc.uniqueArray(pattern, { maxLength: 5 }), fc.array(name), (each, names) => {
        const all = new NamePatterns(each)
        for (const one of names) {
          expect(all.in(one)).toEqual(each.filter((text) => new RegExp(text, 'i').test(one)))
        }
      }),
    )
  })

  it('reads a name in a time that does not explode', () => {
    const hostile = ['(a+)+$', '(?:a|aa)+$', '(?:a?){60}a{60}$', '(?:.*a){20}$', '(?:[a-z]+)*[0-9]$']
    const sum = hostile.reduce((total, each) => total + Number(patternSteps(each)), 0)
    expect(sum).toBeLessThan(MAX_PATTERN_STEPS)
    const all = new NamePatterns(hostile)
    const startedAt = performance.now()
    for (let i = 0; i < 100; i++) all.in(`${'a'.repeat(150 + i)}!`)
    // Backtracking would take longer than the universe is old.
    expect(performance.now() - startedAt).toBeLessThan(5000)
  })
})
