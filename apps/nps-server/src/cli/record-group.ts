import { type AppCommand, ConfigError, type Example, manualText, nearest } from '@sluice/service'
import { type Commands, type RecordCommandIo, runVerb, type Verb } from './record-command.ts'

export interface GroupHead {
  /** The word of the command, such as `client`. */
  readonly word: string
  /** One sentence. */
  readonly about: string
  /** What its commands are for. */
  readonly head: string
  readonly examples: readonly Example[]
}

/** A command of several; `others` are commands of the same word that need no records. */
export function recordGroup(
  { word, about, head, examples }: GroupHead,
  verbs: readonly Verb[],
  io: RecordCommandIo,
  others: Commands = {},
): AppCommand {
  const known = new Map(verbs.map((each) => [each.words.split(' ', 1)[0] ?? '', each]))
  const words = [...known.keys(), ...Object.keys(others)]
  const help = (): string =>
    manualText({
      head: `${io.app} ${word}: ${head}`,
      synopsis: [`${io.app} ${word} COMMAND [flags]`],
      description: [
        'All of it may be done while the server runs on the same data folder; it follows within a second, and open ' +
          'connections, too.',
        `"${io.app} ${word} COMMAND --help" tells the flags of a command.`,
      ],
      commands: [
        ...verbs.map((each) => [each.words, each.about] as const),
        ...Object.entries(others).map(([name, each]) => [name, each.about] as const),
      ],
      examples: examples.map(({ does, line }) => ({ does, line: `${io.app} ${line}` })),
    })
  const run = async ([first = '', ...rest]: readonly string[]): Promise<number> => {
    if (first === '--help' || first === '-h') {
      io.stdout.write(help())
      return 0
    }
    const other = Object.hasOwn(others, first) ? others[first] : undefined
    if (other !== undefined) return other.run(rest)
    const chosen = known.get(first)
    if (chosen !== undefined) return runVerb(chosen, rest, io)
    throw new ConfigError('USAGE', unknown(word, first, words))
  }
  return {
    about,
    usage: 'COMMAND [flags]',
    commands: { ...Object.fromEntries(known), ...others },
    run,
  }
}

function unknown(word: string, first: string, words: readonly string[]): string {
  const all = `wanted ${words.join(', ')}`
  if (first === '') return `${word}: ${all}, or --help`
  const meant = nearest(first, words)
  return `${word} ${first.slice(0, 80)}: unknown command, ${meant === undefined ? all : `did you mean ${meant}?`}`
}
