import { expect, it } from 'vitest'
import { readCommands } from './shell.ts'

const scripts: [what: string, script: string, commands: string[][]][] = [
  ['words', 'npm run bench -- wire', [['npm', 'run', 'bench', '--', 'wire']]],
  ['quotes', `printf '%s\\n' "a b" c\\ d`, [['printf', String.raw`%s\n`, 'a b', 'c d']]],
  ['operators', 'npm ci && npm start; a | b & c', [['npm', 'ci'], ['npm', 'start'], ['a'], ['b'], ['c']]],
  [
    'a line per command',
    'npm ci\n\n# npm no\nnpm start # npm no',
    [
      ['npm', 'ci'],
      ['npm', 'start'],
    ],
  ],
  ['continued lines', 'curl \\\n  --fail \\\n  URL', [['curl', '--fail', 'URL']]],
  ['assignments and sudo', 'PORT=1 sudo ss -t\nA=b', [['ss', '-t']]],
  ['redirections', 'echo a >out 2>&1 </dev/null b', [['echo', 'a', 'b']]],
  ['here-documents', 'cat <<EOF\nnpm no\nEOF\nnpm ci', [['cat'], ['npm', 'ci']]],
  [
    'substitutions',
    'A=$(openssl rand 9)\necho "$(git log)" \'$(no)\'',
    [
      ['openssl', 'rand', '9'],
      ['echo', '$(git log)', '$(no)'],
      ['git', 'log'],
    ],
  ],
  ['loops', 'for i in 1 2; do curl $i; done', [['curl', '$i']]],
]

it.each(scripts)('reads %s', (_what, script, commands) => {
  expect(readCommands(script).map(({ words }) => words)).toEqual(commands)
})

it('tells the line of each command', () => {
  expect(readCommands('a \\\n  b\n\nc && d\n').map(({ line }) => line)).toEqual([1, 4, 4])
})

it.each(['echo "open', "echo 'open", 'echo `date`'])('refuses what it cannot read: %s', (script) => {
  expect(() => readCommands(`ls\n${script}`)).toThrow(/^line 2: cannot read/)
})
