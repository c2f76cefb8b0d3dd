import { fileURLToPath } from 'node:url'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

// Programs are started hundreds of times; what Node compiled of them once, it need not again.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url))

/** Files that measure rates, times or memory: one at a time, and nothing else beside them. */
const MEASURE: string[] = [
  ...['attacks', 'crash', 'https-load', 'https-slow', 'limits', 'migrate', 'nps-server', 'relay-crash'],
  ...['relay-nat', 'ss-crash', 'ss-limits', 'ss-sources'],
].map((name) => `interop/${name}.test.ts`)

const test: TestProjectInlineConfiguration['test'] = {
  environment: 'node',
  pool: 'forks',
  // Of those that say they may run at once; most of them wait for a server that has nothing to say.
  maxConcurrency: 16,
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // Not for a wait, but for machines that are busy with something else.
  expect: { poll: { timeout: 20_000 } },
}

/** `npm run interop`: the built programs against foreign ones. */
export default defineConfig({
  test: {
    globalSetup: ['interop/setup.ts'],
    projects: [
      {
        test: {
          ...test,
          name: 'compared',
          include: ['interop/**/*.test.ts'],
          exclude: MEASURE,
          // A core is idle most of the time where programs are started and waited for, one after the other.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...test,
          name: 'measured',
          include: MEASURE,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
