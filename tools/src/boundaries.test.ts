import { expect, it } from 'vitest'
import { checkBoundaries } from './boundaries.ts'
import { plantProject, plantTree, type Files } from './testing/tree.ts'

const DIRS = [
  'apps/door',
  'apps/gate',
  'libs/metrics',
  'libs/net',
  'libs/ratelimit',
  'libs/service',
  'libs/wire',
]
const SOUND: Files = {
  'package.json': { name: 'root', devDependencies: { vitest: '1' } },
  'tsconfig.json': { references: DIRS.map((path) => ({ path })) },
  ...plantProject('libs/wire', 'layer:1', [], 'export const version = 5\n'),
  ...plantProject('libs/ratelimit', 'layer:1', [], 'export const rate = 1\n'),
  ...plantProject('libs/metrics', 'layer:1', [], 'export const flow = 1\n'),
  ...plantProject(
    'libs/net',
    'layer:2',
    ['libs/wire', 'libs/ratelimit'],
    "import type { Share } from '@sluice/ratelimit'\nimport { connect } from 'node:net'\n",
  ),
  ...plantProject(
    'libs/service',
    'layer:3',
    ['libs/net', 'libs/wire'],
    "import {\n  dial,\n} from '@sluice/net'\n",
  ),
  ...plantProject(
    'apps/door',
    'type:app',
    ['libs/service'],
    "export * from '@sluice/service'\nimport './own.ts'\n",
  ),
  ...plantProject('apps/gate', 'type:app', [], ''),
  'libs/wire/src/index.test.ts':
    "import { readFileSync } from 'node:fs'\nimport { it } from 'vitest'\nnew URL('../../../docs/a.md', import.meta.url)\n",
}

function errorsWith(files: Files): string[] {
  using tree = plantTree({ ...SOUND, ...files })
  return checkBoundaries(tree.root)
}

it('finds nothing in a sound tree', () => {
  expect(errorsWith({})).toEqual([])
})

it('leaves imports alone that stand in a comment or a string', () => {
  const source = " * import { a } from 'left-pad'\n// import 'left-pad'\nconst text = `from 'left-pad'`\n"
  expect(errorsWith({ 'libs/wire/src/index.ts': `/**\n${source.replace('\n', '\n */\n')}` })).toEqual([])
})

const APP = plantProject('apps/door', 'type:app', ['libs/service'], '')
const planted: [rule: string, files: Files, error: string][] = [
  [
    'undeclared package',
    { 'libs/wire/src/index.ts': "import pad from 'left-pad'\n" },
    "libs/wire/src/index.ts: 'left-pad' is not in libs/wire/package.json",
  ],
  [
    'undeclared package, several lines and a subpath',
    { 'libs/wire/src/index.ts': "import {\n  a,\n  b,\n} from '@pad/left/deep'\n" },
    "libs/wire/src/index.ts: '@pad/left' is not in libs/wire/package.json",
  ],
  [
    'undeclared package, re-exported',
    { 'libs/wire/src/index.ts': "export { a } from 'left-pad'\n" },
    "libs/wire/src/index.ts: 'left-pad' is not in libs/wire/package.json",
  ],
  [
    'undeclared package, imported lazily',
    { 'libs/wire/src/index.ts': "const pad = await import('left-pad')\n" },
    "libs/wire/src/index.ts: 'left-pad' is not in libs/wire/package.json",
  ],
  [
    "the root's devDependency outside tests",
    { 'libs/wire/src/index.ts': "import { it } from 'vitest'\n" },
    "libs/wire/src/index.ts: 'vitest' is not in libs/wire/package.json",
  ],
  [
    'computed import',
    { 'libs/wire/src/index.ts': 'const pad = await import(name)\n' },
    'libs/wire/src/index.ts: import() needs a plain string',
  ],
  [
    'leaf imports leaf',
    plantProject('libs/metrics', 'layer:1', ['libs/wire'], "import type { A } from '@sluice/wire'\n"),
    'libs/metrics/src/index.ts: @sluice/metrics may not import @sluice/wire',
  ],
  [
    'lower layer imports upper',
    plantProject('libs/net', 'layer:2', ['libs/service'], "import { run } from '@sluice/service'\n"),
    'libs/net/src/index.ts: @sluice/net may not import @sluice/service',
  ],
  [
    'lib without a layer',
    {
      'apps/door/src/index.ts': '',
      ...plantProject(
        'libs/service',
        'type:lib',
        ['libs/net', 'libs/wire'],
        "import { dial } from '@sluice/net'\n",
      ),
    },
    'libs/service/src/index.ts: @sluice/service may not import @sluice/net',
  ],
  [
    'lib imports app',
    plantProject('libs/service', 'layer:3', ['apps/door'], "import { main } from '@sluice/door'\n"),
    'libs/service/src/index.ts: @sluice/service may not import @sluice/door',
  ],
  [
    'app imports app',
    plantProject('apps/door', 'type:app', ['apps/gate'], "import { main } from '@sluice/gate'\n"),
    'apps/door/src/index.ts: @sluice/door may not import @sluice/gate',
  ],
  [
    'net imports a value',
    plantProject(
      'libs/net',
      'layer:2',
      ['libs/wire', 'libs/ratelimit'],
      "import { Share } from '@sluice/ratelimit'\n",
    ),
    "libs/net/src/index.ts: layer 2 may import only types of '@sluice/ratelimit'",
  ],
  [
    'net imports metrics',
    plantProject('libs/net', 'layer:2', ['libs/metrics'], "import type { Flow } from '@sluice/metrics'\n"),
    "libs/net/src/index.ts: layer 2 may not import '@sluice/metrics'",
  ],
  [
    'deep import',
    { 'apps/door/src/index.ts': "import { run } from '@sluice/service/src/session.ts'\n" },
    "apps/door/src/index.ts: '@sluice/service/src/session.ts' is not exported by libs/service",
  ],
  [
    'testing of another project outside tests',
    {
      ...plantProject('libs/service', 'layer:3', [], '', { './testing': './src/testing/index.ts' }),
      'apps/door/src/testing/a.ts': "import { Lab } from '@sluice/service/testing'\n",
      'apps/door/src/own.ts': "import { Lab } from '@sluice/service/testing'\n",
    },
    "apps/door/src/own.ts: '@sluice/service/testing' is for tests",
  ],
  [
    'relative import of another project',
    { 'apps/door/src/index.ts': "import { run } from '../../../libs/service/src/index.ts'\n" },
    "apps/door/src/index.ts: '../../../libs/service/src/index.ts' leaves the project",
  ],
  [
    'worker file of another project',
    { 'apps/door/src/index.ts': "new Worker(new URL('../../gate/src/worker.ts', import.meta.url))\n" },
    "apps/door/src/index.ts: '../../gate/src/worker.ts' leaves the project",
  ],
  [
    'built-in without node:',
    { 'apps/door/src/index.ts': "import { readFileSync } from 'fs'\n" },
    "apps/door/src/index.ts: 'fs' needs the node: prefix",
  ],
  [
    'reference missing',
    { ...APP, 'apps/door/tsconfig.json': {} },
    'apps/door/tsconfig.json: lacks the reference to libs/service',
  ],
  [
    'reference too many',
    { 'apps/gate/tsconfig.json': { references: [{ path: '../../libs/wire' }] } },
    'apps/gate/tsconfig.json: references libs/wire, not a dependency',
  ],
  [
    'project unknown to the root',
    { 'tsconfig.json': { references: DIRS.slice(1).map((path) => ({ path })) } },
    'tsconfig.json: lacks the reference to apps/door',
  ],
]

it.each(planted)('sees a planted violation: %s', (_rule, files, error) => {
  expect(errorsWith(files)).toEqual([error])
})

const IMPURE = ['net', 'tls', 'dgram', 'fs', 'fs/promises', 'http', 'https', 'http2']
it.each(['wire', 'ratelimit', 'metrics'])('keeps sockets and files out of %s', (lib) => {
  for (const name of IMPURE) {
    const error = `libs/${lib}/src/index.ts: 'node:${name}' has no place in @sluice/${lib}`
    expect(errorsWith({ [`libs/${lib}/src/index.ts`]: `import type { A } from 'node:${name}'\n` })).toEqual([
      error,
    ])
  }
  expect(errorsWith({ [`libs/${lib}/src/index.ts`]: "import { hash } from 'node:crypto'\n" })).toEqual([])
})
