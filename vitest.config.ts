import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

// One shared config. `nx test <p>` runs it with --project <p>; plain `vitest` at the root runs everything.
const conditions: string[] = ['@sluice/source', ...defaultServerConditions]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    environment: 'node',
    pool: 'forks',
    include: ['**/src/**/*.test.ts'],
    passWithNoTests: false,
  },
})
