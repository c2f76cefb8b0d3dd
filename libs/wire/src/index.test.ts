import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as wire from './index.ts'
import { codecs, measureChunked } from './testing/codecs.ts'

test('every exported decoder is listed among the codecs, with samples', () => {
  const exported = Object.entries(wire).filter(([name]) => name.startsWith('decode'))
  const listed = new Set(codecs.map(({ decode }) => decode))
  expect(listed).toEqual(new Set([...exported.map(([, decode]) => decode), measureChunked]))
  for (const { sample } of codecs) expect(sample.length).toBeGreaterThan(0)
})

test('the library imports nothing but its own files', () => {
  const sources = globSync('**/*.ts', { cwd: import.meta.dirname, exclude: ['testing/**', '**/*.test.ts'] })
  expect(sources).toContain('socks5.ts')
  for (const source of sources) {
    const text = readFileSync(`${import.meta.dirname}/${source}`, 'utf8')
    for (const [, specifier] of text.matchAll(/from '([^']+)'/g)) expect(specifier).toMatch(/^\.\.?\/.*\.ts$/)
    expect(text).not.toMatch(/\bimport\(|\brequire\(|\bBuffer\b(?! )|\bprocess\.|\bDate\.|\bMath\.random\b/)
  }
})
