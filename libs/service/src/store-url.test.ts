import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { storeUrl } from './store-url.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-url-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('a file in the data folder, which is made for nobody else to read', () => {
  const data = join(folder, 'a/b')
  expect(storeUrl({ data, store: undefined })).toBe(`sqlite:${data}/sluice.db`)
  expect(statSync(data).mode & 0o777).toBe(0o700)
})

test('what was given', () => {
  expect(storeUrl({ data: '/nowhere', store: 'json:users.json' })).toBe('json:users.json')
})
