import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// Programs are started hundreds of times; what Node compiled of them once, it need not again.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url))

/** `npm run interop`: the built programs against foreign ones. One file at a time, since some of them measure rates. */
export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    include: ['interop/**/*.test.ts'],
    globalSetup: ['interop/setup.ts'],
    fileParallelism: false,
    // Of those that say they may run at once; most of them wait for a server that has nothing to say.
    maxConcurrency: 16,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Not for a wait, but for machines that are busy with something else.
    expect: { poll: { timeout: 20_000 } },
  },
})
