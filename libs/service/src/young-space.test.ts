import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

/** Of a process that has made many objects, all of which live for a while. */
const youngBytes = (setUp: string): number => {
  const program = `${setUp}
const { getHeapSpaceStatistics } = await import('node:v8')
const kept = []
let most = 0
for (let index = 0; index < 1_000_000; index++) {
  kept.push({ index, more: [index, index] })
  if (kept.length > 200_000) kept.splice(0, 100_000)
  if (index % 50_000 > 0) continue
  most = Math.max(most, getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size)
}
console.log(most)`
  const flags = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning', '--input-type=module']
  return Number(
    execFileSync(process.execPath, [...flags, '-e', program], { cwd: import.meta.dirname, encoding: 'utf8' }),
  )
}

test('this version of Node heeds it', () => {
  const small = youngBytes(`(await import('./young-space.ts')).keepYoungSpaceSmall()`)
  expect(small).toBeLessThanOrEqual(8 * 2 ** 20)
  expect(youngBytes('')).toBeGreaterThan(small)
}, 30_000)
