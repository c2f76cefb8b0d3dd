import { defineConfig } from 'vitest/config'

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
