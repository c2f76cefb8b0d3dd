// Bundles one app (run in its folder) into dist/: main.mjs checks the Node version in syntax any Node can read and
// then imports program.mjs; sqlite-worker.mjs is the ledger's worker thread, a second entry that esbuild does not
// find by itself.
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, stop } from 'esbuild'

const root = resolve(fileURLToPath(import.meta.url), '../..')
const guard = readFileSync(resolve(root, 'tools/require-node.mjs'), 'utf8')

/** Packages that stay outside the bundle: one is native, the other large and only loaded where it is asked for. */
export const EXTERNAL = ['better-sqlite3', '@sentry/node']

/**
 * @param {string} entry the program's TypeScript entry point, from the current folder
 * @param {string} outdir made where it does not exist
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
    external: EXTERNAL,
    sourcemap: 'linked',
    banner: {
      js: "import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);",
    },
    logLevel: 'warning',
  })
  // esbuild works in a child process, which would otherwise stay for as long as `npm start` runs.
  await stop()
  writeFileSync(resolve(outdir, 'main.mjs'), `${guard}import('./program.mjs')\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle('src/main.ts', 'dist')
