import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FileWatch, lookOf } from './file-watch.ts'

describe('a file', () => {
  /** What its looks are, one a second; the count of changes told after each. */
  const told = async (looks: string): Promise<string> => {
    let now = 'a'
    let changes = 0
    using watch = new FileWatch('', {
      seen: 'a',
      onChange: () => (changes += 1),
      look: async () => now,
    })
    let counts = ''
    for (now of looks) {
      await watch.tick()
      counts += changes
    }
    return counts
  }

  it.each([
    ['that stays as it was', 'aaaa', '0000'],
    ['that is another one', 'abbb', '0011'],
    ['that is written in several steps', 'abcdd', '00001'],
    ['that is emptied and written as it was', 'abaaa', '00000'],
    ['that changes back later', 'abbaab', '001122'],
    ['that is gone for good', 'a---', '0011'],
  ])('%s', async (_what, looks, counts) => {
    expect(await told(looks)).toBe(counts)
  })

  it('is not looked at twice at a time', async () => {
    let looks = 0
    const { promise, resolve } = Promise.withResolvers<string>()
    using watch = new FileWatch('', {
      seen: 'a',
      onChange: () => {},
      look: () => ((looks += 1), promise),
    })
    const first = watch.tick()
    await watch.tick()
    resolve('a')
    await first
    expect(looks).toBe(1)
  })
})

describe('lookOf', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'watch-'))
  })

  afterEach(() => rmSync(folder, { recursive: true }))

  const path = (name: string): string => join(folder, name)

  it('is the same for a file that is, and another one when it is written or renamed over', async () => {
    writeFileSync(path('a'), 'one')
    const looks = [await lookOf(path('a')), await lookOf(path('a'))]
    expect(looks[0]).toBe(looks[1])
    writeFileSync(path('b'), 'two')
    renameSync(path('b'), path('a'))
    looks.push(await lookOf(path('a')))
    writeFileSync(path('a'), 'longer')
    looks.push(await lookOf(path('a')))
    rmSync(path('a'))
    looks.push(await lookOf(path('a')))
    expect(new Set(looks).size).toBe(4)
    expect(looks.at(-1)).toContain('ENOENT')
  })

  it('follows links that are swapped further up, as a mounted ConfigMap has them', async () => {
    for (const version of ['1', '2']) {
      mkdirSync(path(version))
      writeFileSync(path(`${version}/sluice.yaml`), 'same')
    }
    symlinkSync('1', path('data'))
    symlinkSync('data/sluice.yaml', path('sluice.yaml'))
    const before = await lookOf(path('sluice.yaml'))
    symlinkSync('2', path('data.new'))
    renameSync(path('data.new'), path('data'))
    expect(await lookOf(path('sluice.yaml'))).not.toBe(before)
  })
})
