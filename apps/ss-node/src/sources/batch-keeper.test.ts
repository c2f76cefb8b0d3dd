import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BatchKeeper } from './batch-keeper.ts'
import type { UsageBatch } from './usage-batch.ts'

const BATCH: UsageBatch = { key: 'k', entries: [{ userId: 'panel:1', up: 1, down: 2 }], body: '{"data":[]}' }

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'batch-'))
  path = join(folder, 'data', 'panel-batch.json')
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('a batch', () => {
  it('outlives the program, until it is let go of', async () => {
    await new BatchKeeper(path, 'a').keep(BATCH)
    const keeper = new BatchKeeper(path, 'a')
    expect(await keeper.kept()).toEqual(BATCH)
    await keeper.letGo()
    await keeper.letGo()
    expect(await keeper.kept()).toBeUndefined()
    expect(readdirSync(join(folder, 'data'))).toEqual([])
  })

  it('is for nobody else to read', async () => {
    await new BatchKeeper(path, 'a').keep(BATCH)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('is of one store and for one panel', async () => {
    await new BatchKeeper(path, 'install', 'https://a/').keep(BATCH)
    expect(await new BatchKeeper(path, 'install', 'https://b/').kept()).toBeUndefined()
    expect(await new BatchKeeper(path, 'other', 'https://a/').kept()).toBeUndefined()
  })

  it('is whole or none', async () => {
    const keeper = new BatchKeeper(path, 'a')
    await keeper.keep(BATCH)
    const text = readFileSync(path, 'utf8')
    for (let length = 0; length < text.length; length += 1) {
      writeFileSync(path, text.slice(0, length))
      expect(await keeper.kept()).toBeUndefined()
    }
    for (const wrong of [text.replace('"up":1', '"up":"1"'), text.replace('"key":"k"', '"key":1'), '[]']) {
      writeFileSync(path, wrong)
      expect(await keeper.kept()).toBeUndefined()
    }
  })

  it('that cannot be kept is told', async () => {
    const keeper = new BatchKeeper(join(path, 'file', 'below'), 'a')
    await new BatchKeeper(path, 'a').keep(BATCH)
    await expect(keeper.keep(BATCH)).rejects.toMatchObject({ code: 'BATCH_UNKEPT' })
  })
})
