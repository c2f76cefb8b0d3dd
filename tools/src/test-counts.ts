// `test-counts.ts LOG …`: adds up what vitest said it ran in these logs, as `PASSED FAILED`. A test that was skipped
// or is still to be written counts as failed: a run that counts must have run everything.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

/** How many tests passed, and how many did anything else, by the summary lines in `log`. */
export function countTests(log: string): { passed: number; failed: number } {
  const lines = stripVTControlCharacters(log).matchAll(
    /^(?:.*\s)?Tests {2}((?:\d+ \w+(?: \| )?)+) \(\d+\)\s*$/gm,
  )
  let [passed, failed] = [0, 0]
  for (const [, summary = ''] of lines) {
    for (const [, count, what] of summary.matchAll(/(\d+) (\w+)/g)) {
      if (what === 'passed') passed += Number(count)
      else failed += Number(count)
    }
  }
  return { passed, failed }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { passed, failed } = countTests(
    process.argv
      .slice(2)
      .map((file) => readFileSync(file, 'utf8'))
      .join('\n'),
  )
  console.log(`${passed} ${failed}`)
}
