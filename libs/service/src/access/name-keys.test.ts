import { expect, it } from 'vitest'
import { keysOf, patternKeys } from './name-keys.ts'

const matches = (pattern: string, host: string): boolean => {
  const keys = keysOf(host)
  return patternKeys(pattern)!.some((key) => keys.includes(key))
}

it.each([
  ['example.com', 'example.com', true],
  ['example.com', 'EXAMPLE.com.', true],
  ['Example.COM.', 'example.com', true],
  ['example.com', 'www.example.com', false],
  ['example.com', 'badexample.com', false],
  ['.example.com', 'example.com', true],
  ['.example.com', 'www.example.com', true],
  ['.example.com', 'a.b.example.com.', true],
  ['.example.com', 'badexample.com', false],
  ['.example.com', 'example.com.evil.test', false],
  ['*.example.com', 'www.example.com', true],
  ['*.example.com', 'a.b.example.com', true],
  ['*.example.com', 'example.com', false],
  ['.com', 'example.com', true],
  ['localhost', 'localhost', true],
  ['bücher.example', 'xn--bcher-kva.example', true],
  ['2130706433', '2130706433', true],
  ['.1', '127.0.0.1', false],
  ['.1', '::1', false],
])('%s matches %s: %s', (pattern, host, is) => {
  expect(matches(pattern, host)).toBe(is)
})

it.each([
  '',
  '.',
  '*',
  '*.',
  'a..b',
  '..a',
  '*.*.a',
  'a*',
  'a b',
  'a/b',
  '127.0.0.1',
  '.127.0.0.1',
  '::1',
  `${'a'.repeat(64)}.test`,
  'a.'.repeat(130),
])('%j is no pattern', (pattern) => {
  expect(patternKeys(pattern)).toBeUndefined()
})
