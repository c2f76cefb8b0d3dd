import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CommandOutline } from './app.ts'
import { type Shell, completionScript } from './completion.ts'
import { baseSchema } from './config.ts'
import { userCommand } from './user-cli.ts'

const flags = baseSchema({ ops: '127.0.0.1:9102' })
const unused = (): never => {
  throw new Error('completion runs nothing')
}
const program: CommandOutline = {
  about: "a door's program",
  flags,
  commands: {
    serve: { about: 'Runs it.', flags },
    user: userCommand({
      app: 'my-door',
      schema: flags,
      env: {},
      stdin: { [Symbol.asyncIterator]: unused },
      stdout: { write: unused },
      stderr: { write: unused },
      openStore: unused,
      link: unused,
    }),
    help: { about: 'Helps.', operand: ['serve', 'user'] },
  },
}

const hasShell = (shell: string): boolean => spawnSync(shell, ['--version']).error === undefined
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'completion-'))
  writeFileSync(join(folder, 'two words*.db'), '')
  mkdirSync(join(folder, 'data folder'))
})

afterAll(() => rmSync(folder, { recursive: true }))

/** What bash offers for the last of these words; `=` is a word of its own, as bash has it. */
function offered(...words: string[]): string[] {
  const script = `eval "$SCRIPT"
    compopt() { :; }
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
    "$(complete -p my-door | sed 's/.*-F \\([^ ]*\\) .*/\\1/')"
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr, status } = spawnSync('bash', ['-u', '-c', script, 'bash', 'my-door', ...words], {
    env: { ...process.env, SCRIPT: completionScript('bash', 'my-door', program) },
    cwd: folder,
    encoding: 'utf8',
  })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  return stdout.split('\n').filter((line) => line !== '')
}

describe.runIf(hasShell('bash'))('bash', () => {
  it.each([
    [[''], ['serve', 'user', 'help']],
    [['us'], ['user']],
    [['user', 'us'], ['usage']],
    [
      ['help', ''],
      ['serve', 'user'],
    ],
    [['--lo'], ['--log-level']],
    [
      ['--log-level', ''],
      ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    ],
    [['--log-level', '=', 'de'], ['debug']],
    [
      ['--log-level', '='],
      ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    ],
    [
      ['user', 'usage', '--format', ''],
      ['text', 'json', 'csv'],
    ],
    [['user', 'usage', 'ada', '--b'], ['--by']],
    [['--data', 'user', 'us'], ['user']],
    [['--data', '=', 'user', 'us'], ['user']],
    [['--ops', ''], []],
    [['user', 'show', ''], []],
    [
      ['user', 'import', ''],
      ['data folder', 'two words*.db'],
    ],
    [['--config', 'two'], ['two words*.db']],
    [['--data', ''], ['data folder']],
    [
      ['user', 'nonsense', ''],
      ['add', 'list', 'show', 'set', 'disable', 'enable', 'remove', 'usage', 'link', 'import'],
    ],
  ])('completes %j', (words, completions) => {
    expect(offered(...words).toSorted()).toEqual(completions.toSorted())
  })

  it('completes the flags of where it is, and no others', () => {
    expect(offered('user', 'import', '--')).toEqual([
      '--update',
      '--config',
      '--data',
      '--store',
      '--json',
      '--help',
    ])
  })
})

describe.each<Shell>(['bash', 'zsh', 'fish'])('%s', (shell) => {
  const script = completionScript(shell, 'my-door', program)

  it('knows every command and every flag', () => {
    for (const word of ['serve', 'user', 'usage', 'import', 'log-level', 'print-config', 'password-stdin']) {
      expect(script).toContain(word)
    }
  })
})
