import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

/** Bytes of the space for young objects before the program, and what it prints. */
const run = (program: string, flags: readonly string[] = []): number[] => {
  const head = `import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { growYoungSpace, holdYoungSpace, YOUNG_BYTES } from './young-space.ts'
const size = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size
const busy = () => { for (let kept = [], turn = 0; turn < 5000; turn++) kept = [...kept.slice(-500), new Array(1000).fill(turn)] }
setFlagsFromString('--semi-space-growth-factor=1')
`
  const node = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning', '--input-type=module']
  const args = [...node, ...flags, '-e', `${head}${program}`]
  const out = execFileSync(process.execPath, args, {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    timeout: 20_000,
  })
  return out.trim().split(' ').map(Number)
}
const MIB = 1024 * 1024

test('the space for young objects grows once, and no further', () => {
  const [before, grown, busy] = run(
    'const before = size(); growYoungSpace(); const grown = size(); busy(); console.log(before, grown, size())',
  )
  expect(before).toBeLessThan(8 * MIB)
  expect([grown, busy]).toEqual([8 * MIB, 8 * MIB])
})

test('it grows again where it was made smaller meanwhile', () => {
  const program = `const held = holdYoungSpace()
setFlagsFromString('--expose-gc')
const { runInNewContext } = await import('node:vm')
const gc = runInNewContext('gc')
let small = YOUNG_BYTES
// As after a quiet time.
for (let turn = 0; small > YOUNG_BYTES / 2 && turn < 50; turn++) { await gc({ type: 'major', flavor: 'last-resort' }); small = size() }
while (size() <= YOUNG_BYTES / 2) await new Promise((resolve) => setTimeout(resolve, 10))
console.log(small, size())`
  const [small, again] = run(program)
  expect(small).toBeLessThanOrEqual(4 * MIB)
  expect(again).toBeGreaterThan(4 * MIB)
  expect(again).toBeLessThanOrEqual(8 * MIB)
})

test('what Node was told is let be', () => {
  expect(run('console.log(Number(growYoungSpace()), size())', ['--max-semi-space-size=1'])).toEqual([
    0,
    2 * MIB,
  ])
})
