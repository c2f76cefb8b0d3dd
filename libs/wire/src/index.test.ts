import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as wire from './index.ts'
import * as bridge from './bridge/index.ts'
import * as npc from './npc/index.ts'
import { bridgeCodecs } from './testing/bridge-codecs.ts'
import { codecs, measureChunked } from './testing/codecs.ts'
import { npcCodecs } from './testing/npc-codecs.ts'
import { decodeEarlyFrame, decodeRelayFrame } from './testing/relay-codecs.ts'
import { ssRequestCodecs } from './testing/ss-codecs.ts'

test('every exported decoder is listed among the codecs, with samples', () => {
  const exported = Object.entries(wire).filter(([name]) => name.startsWith('decode'))
  const listed = new Set(codecs.map(({ decode }) => decode))
  const relay = [decodeEarlyFrame, decodeRelayFrame]
  const wrapped = [
    measureChunked,
    ...ssRequestCodecs.map(({ decode }) => decode),
    ...relay,
    ...npcCodecs.map(({ decode }) => decode),
    ...bridgeCodecs.map(({ decode }) => decode),
  ]
  expect(listed).toEqual(new Set([...exported.map(([, decode]) => decode), ...wrapped]))
  const npcDecoders = Object.entries({ ...npc, ...bridge }).filter(([name]) => name.startsWith('decode'))
  for (const [, decode] of npcDecoders) expect(listed).toContain(decode)
  for (const { sample } of codecs) expect(sample.length).toBeGreaterThan(0)
})

const sourcesOf = (pattern: string, exclude: string[] = []): string[] => {
  const found = globSync(pattern, {
    cwd: import.meta.dirname,
    exclude: ['**/testing/**', '**/*.test.ts', ...exclude],
  })
  return found.map((source) => readFileSync(`${import.meta.dirname}/${source}`, 'utf8'))
}
const importsOf = (text: string): string[] => [...text.matchAll(/from '([^']+)'/g)].map(([, from]) => from!)

test('the library imports nothing but its own files, and runs in a browser', () => {
  const sources = sourcesOf('**/*.ts', ['shadowsocks/**', 'relay/**'])
  expect(sources.length).toBeGreaterThan(20)
  for (const text of sources) {
    for (const from of importsOf(text)) expect(from).toMatch(/^\.\.?\/(?!shadowsocks|relay).*\.ts$/)
    expect(text).not.toMatch(/\bimport\(|\brequire\(|\bBuffer\b(?! )|\bprocess\.|\bDate\.|\bMath\.random\b/)
  }
})

test('Shadowsocks adds ciphers to that, but neither clocks nor randomness', () => {
  const sources = sourcesOf('shadowsocks/**/*.ts')
  expect(sources.length).toBeGreaterThan(2)
  for (const text of sources) {
    for (const from of importsOf(text)) expect(from).toMatch(/^(\.\.?\/.*\.ts|node:crypto|@noble\/.*)$/)
    expect(text).not.toMatch(
      /\bimport\(|\brequire\(|\bprocess\.|\bDate\.|\bMath\.random\b|\brandom(Bytes|Fill|UUID)/,
    )
  }
})

test('the relay protocol adds hashes and Base58 to that, and runs in a browser as well', () => {
  const sources = sourcesOf('relay/**/*.ts')
  expect(sources.length).toBeGreaterThan(5)
  for (const text of sources) {
    for (const from of importsOf(text)) {
      expect(from).toMatch(/^(\.\.?\/(?!shadowsocks).*\.ts|@noble\/hashes\/sha2\.js|@scure\/base)$/)
    }
    expect(text).not.toMatch(
      /\bimport\(|\brequire\(|\bBuffer\b(?! )|\bprocess\.|\bDate\.|\bMath\.random\b|\bcrypto\b/,
    )
  }
})
