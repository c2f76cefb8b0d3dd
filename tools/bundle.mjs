// Bundles one app (run in its folder) into dist/: main.mjs checks the Node version in syntax any Node can read, keeps
// the heap small and then imports program.mjs; sqlite-worker.mjs is the ledger's worker thread, a second entry that esbuild does not
// find by itself.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, stop } from 'esbuild'

const root = resolve(fileURLToPath(import.meta.url), '../..')
const guard = readFileSync(resolve(root, 'tools/require-node.mjs'), 'utf8')

/**
 * Leaves the space for young objects as small as it is while the modules are loaded; the program says later how large it
 * is to be. V8 lets it grow to tens of MB when thousands of conns come at once, or modules, and does not give that back
 * soon: 10 KiB for each of 4,000.
 */
const start = `import('node:v8').then(function (v8) {
  v8.setFlagsFromString('--semi-space-growth-factor=1')
  return import('./program.mjs')
})
`

/** Packages that stay outside the bundle: one is native, the others large and only loaded where they are asked for. */
export const EXTERNAL = ['better-sqlite3', '@sentry/node', 'acme-client']

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
  writeFileSync(resolve(outdir, 'main.mjs'), `${guard}${start}`)
}

/** What an app has for pages, where it has something; bundled to `dist/browser.mjs`. */
const BROWSER = 'src/browser/index.ts'

/**
 * A module for pages, all in one. Fails where it would need anything of Node.
 * @param {string} entry TypeScript, from the current folder
 * @param {string} outfile
 */
export async function bundleBrowser(entry, outfile) {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'browser',
    target: 'es2022',
    format: 'esm',
    conditions: ['@sluice/source'],
    sourcemap: 'linked',
    logLevel: 'warning',
  })
  await stop()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await bundle('src/main.ts', 'dist')
  if (existsSync(BROWSER)) await bundleBrowser(BROWSER, 'dist/browser.mjs')
}
