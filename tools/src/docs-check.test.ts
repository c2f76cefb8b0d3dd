import { describe, expect, it } from 'vitest'
import { appHelp } from './commands.ts'
import { checkDocs } from './docs-check.ts'
import { plantProject, plantTree, type Files } from './testing/tree.ts'

const HELP: Record<string, string> = {
  '': 'door [serve|user add|user list|top]\n  --config FILE  --data DIR',
  serve: '--http HOST:PORT',
  top: '',
  'user add': '--up RATE  --json',
  'user list': '--json',
}
const TREE: Files = {
  'package.json': { name: 'root', scripts: { start: '', test: '', bench: '' } },
  'node_modules/.bin/tsc': '',
  'node_modules/pkg/README.md': '[no](no.md)',
  'tools/run.mjs': '',
  'docs/guide.md': '# A guide\n## Second part\n',
  ...plantProject('apps/door', 'type:app', [], ''),
}

function errorsOf(readme: string): string[] {
  using tree = plantTree({ ...TREE, 'README.md': readme })
  return checkDocs(tree.root, (_app, path) => HELP[path.join(' ')])
}

describe('links', () => {
  const sound = [
    'docs/guide.md',
    './docs/',
    'docs/guide.md#second-part',
    '#top',
    'https://example.org/x',
    'mailto:a@b.c',
  ]
  it.each(sound)('accepts %s', (link) => {
    expect(errorsOf(`# Top\n[x](${link})`)).toEqual([])
  })

  const broken = [
    ['docs/none.md', "'docs/none.md' does not exist"],
    ['docs/guide.md#third', "'docs/guide.md#third' names no heading"],
    ['#bottom', "'#bottom' names no heading"],
    ['../x.md', "'../x.md' leaves the repository"],
    ['/docs/guide.md', "'/docs/guide.md' leaves the repository"],
  ]
  it.each(broken)('sees a planted %s', (link, error) => {
    expect(errorsOf(`# Top\n\n[x](${link})`)).toEqual([`README.md:3: ${error}`])
  })
})

describe('commands', () => {
  const sound = [
    'npm ci && npm start',
    'npm start -- --http 127.0.0.1:0',
    'npm run bench -- wire',
    'npx nx test door',
    'npx nx serve door -- --http 127.0.0.1:0',
    'npx nx run-many -t build',
    'npx tsc --build',
    'node tools/run.mjs --any',
    'node -e 1',
    'bash tools/run.mjs',
    './tools/run.mjs',
    'curl -x socks5h://a:b@127.0.0.1:1 http://example.org',
    'node apps/door/dist/main.mjs',
    'node apps/door/dist/main.mjs serve --http=127.0.0.1:0 --config x.yaml',
    'node apps/door/dist/main.mjs user add ann --up 1MB/s --data ./data',
    'node apps/door/dist/main.mjs top',
  ]
  it.each(sound)('accepts %s', (command) => {
    expect(errorsOf(`\`\`\`sh\n${command}\n\`\`\``)).toEqual([])
  })

  const broken = [
    ['npm run none', "no npm script 'none'"],
    ['npm lint', "no npm script 'lint'"],
    ['npm start -- --none', "'door' has no flag '--none' there"],
    ['npx nx none door', "'door' has no target 'none'"],
    ['npx nx test none', "no project 'none'"],
    ['npx none', "no tool 'none'"],
    ['node tools/none.mjs', "no file 'tools/none.mjs'"],
    ['bash tools/none.sh', "no file 'tools/none.sh'"],
    ['tools/none', "no file 'tools/none'"],
    ['frobnicate', "unknown command 'frobnicate'"],
    ['npm ci || sudo frobnicate', "unknown command 'frobnicate'"],
    ['node apps/none/dist/main.mjs', "no app 'none'"],
    ['node apps/door/dist/main.mjs none', "'door' has no command 'none'"],
    ['node apps/door/dist/main.mjs user none', "'door' has no command 'user'"],
    ['node apps/door/dist/main.mjs user add ann --down 1', "'door' has no flag '--down' there"],
    ['node apps/door/dist/main.mjs user list --up 1', "'door' has no flag '--up' there"],
    ['node apps/door/dist/main.mjs --conf x', "'door' has no flag '--conf' there"],
    ['npx nx serve door -- --none', "'door' has no flag '--none' there"],
    ['echo "open', `line 1: cannot read '"open'`],
  ]
  it.each(broken)('sees a planted %s', (command, error) => {
    expect(errorsOf(`\`\`\`console\n$ ls\n\`\`\`\n\`\`\`sh\n${command}\n\`\`\``)).toEqual([
      `README.md:5: ${error}`,
    ])
  })
})

it("asks the app itself, run from source, and takes a failing one as 'no such subcommand'", () => {
  const main =
    "if (process.argv[2] === 'bad') process.exit(2)\nconsole.log('help for', ...process.argv.slice(2) as string[])\n"
  using tree = plantTree({ 'package.json': { type: 'module' }, 'apps/door/src/main.ts': main })
  const help = appHelp(tree.root)
  expect(help('door', ['user', 'add'])).toBe('help for user add --help\n')
  expect(help('door', ['bad'])).toBeUndefined()
})
