import { StoreError } from '@sluice/userstore'
import type { StoreErrorCode } from '@sluice/userstore'
import type { AppCommand } from './app.ts'
import type { CommandOutput, UserCommand, UserCommandIo } from './cli-command.ts'
import { userCommands } from './cli-commands.ts'
import { ConfigError } from './config-error.ts'
import { manualText } from './help-text.ts'
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
  'SEED_FORMAT',
])

/**
 * Runs `<app> user …`, where `argv` are the words after `user`. What it did goes to stdout, an error to stderr on one
 * line. Never throws.
 */
export async function runUserCommand(argv: readonly string[], io: UserCommandIo): Promise<ExitCode> {
  try {
    const { text, exit } = await outputOf(argv, io)
    io.stdout.write(text)
    return exit
  } catch (error) {
    io.stderr.write(`${io.app}: ${oneLine(error)}\n`)
    const isUsage = error instanceof ConfigError || (error instanceof StoreError && BAD_USAGE.has(error.code))
    return isUsage ? 2 : 1
  }
}

async function outputOf(argv: readonly string[], io: UserCommandIo): Promise<CommandOutput> {
  const [word = '', ...rest] = argv
  const commands = userCommands(io)
  if (word === '--help' || word === '-h') return { text: helpOf(commands, io), exit: 0 }
  const verbs = commands.map(verbOf)
  const chosen = commands[verbs.indexOf(word)]
  if (chosen) return chosen.run(rest, io)
  if (word === '') throw new ConfigError('USAGE', `user: wanted ${verbs.join(', ')}, or --help`)
  const meant = nearest(word, verbs)
  const hint = meant === undefined ? `wanted ${verbs.join(', ')}` : `did you mean ${meant}?`
  throw new ConfigError('USAGE', `user ${word.slice(0, 80)}: unknown command, ${hint}`)
}

/** `user` among the commands of a program. */
export function userCommand(io: UserCommandIo): AppCommand {
  return {
    about: 'Adds, changes and lists users, and tells their usage.',
    usage: 'COMMAND [flags]',
    commands: Object.fromEntries(userCommands(io).map((each) => [verbOf(each), each])),
    run: (argv) => runUserCommand(argv, io),
  }
}

const verbOf = ({ words }: UserCommand): string => words.split(' ', 1)[0] ?? ''

function helpOf(commands: readonly UserCommand[], { app }: UserCommandIo): string {
  return manualText({
    head: `${app} user: the users of this program, their limits and their usage`,
    synopsis: [`${app} user COMMAND [flags]`],
    description: [
      'All of it may be done while programs run on the same data folder; they follow within two seconds, and open ' +
        'connections, too.',
      `"${app} user COMMAND --help" tells the flags of a command.`,
    ],
    commands: commands.map(({ words, about }) => [words, about]),
    examples: [
      {
        does: 'A user with a limit; the password is made and printed once:',
        line: `${app} user add alice --down 1MB/s`,
      },
      { does: 'What everybody has used, for a spreadsheet:', line: `${app} user usage --format csv` },
    ],
  })
}

function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
}
