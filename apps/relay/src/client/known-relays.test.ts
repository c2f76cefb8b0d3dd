import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { freshIdentity } from '../identity.ts'
import { KnownRelaysFile, knownInMemory } from './known-relays.ts'

const folder = mkdtempSync(join(tmpdir(), 'known-relays-'))
afterAll(() => rmSync(folder, { recursive: true }))
const [one, other] = [freshIdentity().id, freshIdentity().id]
const HERE = { host: '127.0.0.1', port: 1 }
const THERE = { host: '::1', port: 1 }

it.each([
  ['in memory', knownInMemory],
  ['in a file', () => new KnownRelaysFile(join(folder, 'new', 'known-relays'))],
])('the first one at an address stays, %s', (_name, open) => {
  const known = open()
  expect(known.get(HERE)).toBeUndefined()
  expect(known.add(HERE, one)).toBe(one)
  expect(known.add(HERE, other)).toBe(one)
  expect(known.add(THERE, other)).toBe(other)
  expect([known.get(HERE), known.get(THERE)]).toEqual([one, other])
})

it('several programs agree, and a line that was cut off counts for nothing', () => {
  const file = join(folder, 'known-relays')
  const [mine, theirs] = [new KnownRelaysFile(file), new KnownRelaysFile(file)]
  appendFileSync(file, `[::1]:1 ${one.slice(0, 10)}`)
  expect(mine.get(THERE)).toBeUndefined()
  mine.add(HERE, one)
  expect(theirs.add(HERE, other)).toBe(one)
  expect(theirs.add(THERE, other)).toBe(other)
  expect(readFileSync(file, 'utf8')).toBe(
    `[::1]:1 ${one.slice(0, 10)}\n127.0.0.1:1 ${one}\n[::1]:1 ${other}\n`,
  )
})

it('is for its owner alone, and says what it cannot read or write', () => {
  const file = join(folder, 'own')
  new KnownRelaysFile(file).add(HERE, one)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(() => new KnownRelaysFile(folder).get(HERE)).toThrow(
    `cannot read the known relays in ${folder} (EISDIR)`,
  )
  expect(() => new KnownRelaysFile(join(file, 'below')).get(HERE)).toThrow('(ENOTDIR)')
  writeFileSync(file, 'x'.repeat(1024 * 1024 + 1))
  expect(() => new KnownRelaysFile(file).get(HERE)).toThrow('too long')
})
