import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

/** File contents by path; a value that is no string is written as JSON. */
export type Files = Record<string, unknown>

/** Writes a tree of files into a new temporary folder, which goes away with the returned handle. */
export function plantTree(files: Files): Disposable & { root: string } {
  const root = mkdtempSync(join(tmpdir(), 'sluice-tree-'))
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content))
  }
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true }) }
}

/** package.json, tsconfig.json and one source file of a project that depends on the given folders of ours. */
export function plantProject(
  dir: string,
  tag: string,
  uses: string[],
  source: string,
  subpaths: Record<string, string> = {},
): Files {
  const name = basename(dir)
  return {
    [`${dir}/package.json`]: {
      name: `@sluice/${name}`,
      dependencies: Object.fromEntries(uses.map((used) => [`@sluice/${basename(used)}`, '0.1.0'])),
      exports: { '.': './src/index.ts', ...subpaths },
      nx: { name, tags: [tag], targets: { build: {}, test: {}, serve: {} } },
    },
    [`${dir}/tsconfig.json`]: { references: uses.map((used) => ({ path: `../../${used}` })) },
    [`${dir}/src/index.ts`]: source,
  }
}
