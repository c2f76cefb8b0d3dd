import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as wire from './index.ts'
import { codecs, measureChunked } from './testing/codecs.ts'
import { ssRequestCodecs } from './testing/ss-codecs.ts'

test('every exported decoder is listed among the codecs, with samples', () => {
  const exported = Object.entries(wire).filter(([name]) => name.startsWith('decode'))
  const listed = new Set(codecs.map(({ decode }) => decode))
  const wrapped = [measureChunked, ...ssRequestCodecs.map(({ decode }) => decode)]
  expect(listed).toEqual(new Set([...exported.map(([, decode]) => decode), ...wrapped]))
  for (const { sample } of codecs) expect(sample.length).toBeGreaterThan(0)
})

const sourcesOf = (pattern: string, exclude: string[]) =>
  globSync(pattern, { cwd: import.meta.dirname, exclude: [...exclude, '**/*.test.ts'] }).map(
    (name) => [name, readFileSync(`${import.meta.dirname}/${name}`, 'utf8')] as const,
  )
const specifiersOf = (text: string) => [...text.matchAll(/from '([^']+)'/g)].map(([, specifier]) => specifier)

test('the library imports nothing but its own files', () => {
  const sources = sourcesOf('**/*.ts', ['testing/**', 'shadowsocks/**'])
  expect(sources.map(([name]) => name)).toContain('socks5.ts')
  for (const [, text] of sources) {
    for (const specifier of specifiersOf(text)) {
      expect(specifier).toMatch(/^\.\.?\/(?!shadowsocks\/).*\.ts$/)
    }
    expect(text).not.toMatch(/\bimport\(|\brequire\(|\bBuffer\b(?! )|\bprocess\.|\bDate\.|\bMath\.random\b/)
  }
})

test('Shadowsocks imports ciphers and hashes as well, and neither clock nor randomness', () => {
  const sources = sourcesOf('shadowsocks/**/*.ts', [])
  expect(sources.map(([name]) => name)).toContain('shadowsocks/index.ts')
  for (const [, text] of sources) {
    for (const specifier of specifiersOf(text)) {
      expect(specifier).toMatch(/^(?:\.\.?\/.*\.ts|node:crypto|@noble\/.*)$/)
    }
    expect(text).not.toMatch(/\bimport\(|\brequire\(|\bprocess\.|\bDate\.|\bMath\.random\b|\brandom[A-Z]/)
  }
})
