import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bundle } from '../bundle.mjs'

/** Makes many objects, all of which live for a while, and tells how large their space was at the most. */
const PROGRAM = `import { getHeapSpaceStatistics } from 'node:v8'
const kept = []
let most = 0
for (let index = 0; index < 1_000_000; index++) {
  kept.push({ index, more: [index, index] })
  if (kept.length > 200_000) kept.splice(0, 100_000)
  if (index % 50_000 > 0) continue
  most = Math.max(most, getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size)
}
console.log(most)
`

test('a bundle runs its program, in a young space that stays small', async ({ onTestFinished }) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bundle-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'entry.mjs'), PROGRAM)
  await bundle(join(folder, 'entry.mjs'), join(folder, 'dist'))
  const bytesOf = (file: string): number =>
    Number(execFileSync(process.execPath, [join(folder, 'dist', file)], { encoding: 'utf8' }))
  const small = bytesOf('main.mjs')
  // 2 MiB, and some pages more for each thread that collects when the machine is busy; else 64 MiB.
  expect(small).toBeLessThanOrEqual(24 * 2 ** 20)
  expect(bytesOf('program.mjs')).toBeGreaterThan(2 * small)
}, 60_000)
