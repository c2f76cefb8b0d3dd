// Bundles one app (run in its folder) into dist/: main.mjs checks the Node version in syntax any Node can read and
// then imports program.mjs; sqlite-worker.mjs is the ledger's worker thread, a second entry that esbuild does not
// find by itself. Native and optional packages stay external.
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = resolve(fileURLToPath(import.meta.url), '../..')
const GUARD = `if (Number(process.versions.napi) < 10) {
  console.error('Node ' + process.versions.node + ' is too old: Sluice needs Node 22.14 or newer')
  process.exit(2)
}
`

/**
 * @param {string} entry the program's TypeScript entry point
 * @param {string} outdir
 */
export async function bundle(entry, outdir) {
  await build({
    entryPoints: {
      program: entry,
      'sqlite-worker': resolve(root, 'libs/userstore/src/sqlite-worker.ts'),
    },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    conditions: ['@sluice/source'],
    external: ['better-sqlite3', '@sentry/node'],
    sourcemap: 'linked',
    banner: {
      js: "import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);",
    },
    logLevel: 'warning',
  })
  writeFileSync(resolve(outdir, 'main.mjs'), `${GUARD}await import('./program.mjs')\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle('src/main.ts', 'dist')
