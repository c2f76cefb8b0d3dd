import { fileURLToPath } from 'node:url'
import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

// One shared config. `nx test <p>` runs it with --project <p>; plain `vitest` at the root runs everything.
// Packages are loaded by Node itself, which knows no `module`.
const known = defaultServerConditions.filter((condition) => condition !== 'module')
const conditions: string[] = ['@sluice/source', ...known]

// Tests compare what programs write. Colours that somebody forces on them, and Node's warning where somebody else
// forbids them, would be part of it.
delete process.env['FORCE_COLOR']
delete process.env['NO_COLOR']

// Each test of a program starts workers and processes anew; what Node compiled of a file once, it need not again.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url))

/** Whose tests count what their process holds open: each file of these has one to itself. */
const OF_ONE_PROCESS = /\/libs\/net$/

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    environment: 'node',
    setupFiles: [fileURLToPath(new URL('vitest.setup.ts', import.meta.url))],
    pool: 'forks',
    isolate: OF_ONE_PROCESS.test(process.cwd()),
    include: ['**/src/**/*.test.ts'],
    passWithNoTests: false,
    // No test waits for a clock; this is for machines that are busy with something else.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
  },
})
