import { StoreError } from '@sluice/userstore'
import type { StoreErrorCode } from '@sluice/userstore'
import type { UserCommandIo } from './cli-command.ts'
import { userCommands } from './cli-commands.ts'
import { ConfigError } from './config-error.ts'
import { nearest } from './nearest.ts'

/** 0: done · 1: failed · 2: bad usage or configuration. */
export type ExitCode = 0 | 1 | 2

/** Errors of the store that whoever typed the command can mend, in it or in the configuration. */
const BAD_USAGE = new Set<StoreErrorCode>([
  'USER_NAME',
  'USER_VALUE',
  'PASSWORD_VALUE',
  'STORE_URL',
  'STORE_OPEN',
  'STORE_FORMAT',
  'STORE_SCHEMA_NEWER',
])

/**
 * Runs `<app> user …`, where `argv` are the words after `user`. What it did goes to stdout, an error to stderr on one
 * line. Never throws.
 */
export async function runUserCommand(argv: readonly string[], io: UserCommandIo): Promise<ExitCode> {
  try {
    io.stdout.write(await outputOf(argv, io))
    return 0
  } catch (error) {
    io.stderr.write(`${io.app}: ${oneLine(error)}\n`)
    const isUsage = error instanceof ConfigError || (error instanceof StoreError && BAD_USAGE.has(error.code))
    return isUsage ? 2 : 1
  }
}

async function outputOf(argv: readonly string[], io: UserCommandIo): Promise<string> {
  const [word = '', ...rest] = argv
  const commands = userCommands(io)
  if (word === '--help' || word === '-h') return helpOf(commands, io)
  const verbs = commands.map(({ words }) => words.split(' ', 1)[0] ?? '')
  const chosen = commands[verbs.indexOf(word)]
  if (chosen) return chosen.run(rest, io)
  if (word === '') throw new ConfigError('USAGE', `user: wanted ${verbs.join(', ')}, or --help`)
  const meant = nearest(word, verbs)
  const hint = meant === undefined ? `wanted ${verbs.join(', ')}` : `did you mean ${meant}?`
  throw new ConfigError('USAGE', `user ${word.slice(0, 80)}: unknown command, ${hint}`)
}

function helpOf(commands: ReturnType<typeof userCommands>, { app }: UserCommandIo): string {
  const lines = commands.map(({ words, about }) => `  ${words.padEnd(14)}${about}`)
  return `Usage: ${app} user COMMAND [flags]\n\n${lines.join('\n')}\n\n${app} user COMMAND --help tells its flags.\n`
}

function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
}
