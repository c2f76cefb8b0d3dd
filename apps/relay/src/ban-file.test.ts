import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { BanFile } from './ban-file.ts'
import { Bans } from './bans.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'bans-'))))
afterEach(() => rmSync(folder, { recursive: true }))

it('keeps bans beyond the end of the program', () => {
  const file = new BanFile(folder)
  const none = new Bans()
  file.load(none)
  expect(none.list()).toEqual([])
  const bans = [
    { subject: '192.0.2.0/24', expiresAt: 4_000_000_000_000, reason: 'noise' },
    { subject: '::1' },
  ]
  file.save(bans)
  const found = new Bans()
  file.load(found)
  expect(found.list()).toEqual(bans)
})

it('refuses a file that holds none', () => {
  for (const text of ['', '{}', '[{"subject":"nobody"}]']) {
    writeFileSync(join(folder, 'relay-bans.json'), text)
    expect(() => new BanFile(folder).load(new Bans())).toThrow(
      /relay-bans\.json does not hold a list of bans/,
    )
  }
})
