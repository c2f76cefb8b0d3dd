import type { CommandOutline } from './app.ts'
import { bashCompletion } from './completion-bash.ts'
import { fishCompletion } from './completion-fish.ts'
import { zshCompletion } from './completion-zsh.ts'
import { optionsOf } from './config-options.ts'
import type { Option } from './config-options.ts'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** A flag as a shell completes it. */
export interface CompletedFlag {
  /** With its dashes. */
  readonly flag: string
  readonly about: string
  /** What its value can be: one of these words, a file, a folder, anything; undefined where it takes none. */
  readonly value: readonly string[] | 'file' | 'folder' | 'any' | undefined
}

/** What can stand behind the words of a command. */
export interface CompletedCommand {
  /** The words that lead there, empty for the program itself. */
  readonly words: readonly string[]
  readonly flags: readonly CompletedFlag[]
  readonly commands: readonly (readonly [word: string, about: string])[]
  readonly operand: readonly string[] | 'file'
}

const SCRIPTS: Record<Shell, (name: string, commands: readonly CompletedCommand[]) => string> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
}

/** A script that, sourced by the shell, completes `name`. */
export const completionScript = (shell: Shell, name: string, program: CommandOutline): string =>
  SCRIPTS[shell](name, completedCommands(program, []))

/** A command and all below it. */
const completedCommands = (outline: CommandOutline, words: readonly string[]): CompletedCommand[] => {
  const { flags, operand = [], commands = {} } = outline
  const below = Object.entries(commands)
  const completed: CompletedCommand = {
    words,
    flags: flags === undefined ? [HELP] : completedFlags(optionsOf(flags)),
    commands: below.map(([word, { about }]) => [word, about]),
    operand,
  }
  return [completed, ...below.flatMap(([word, each]) => completedCommands(each, [...words, word]))]
}

const HELP: CompletedFlag = { flag: '--help', about: 'print this', value: undefined }

const completedFlags = (options: readonly Option[]): CompletedFlag[] =>
  options
    .filter(({ onCommandLine }) => onCommandLine)
    .map((option) => ({ flag: `--${option.flag}`, about: option.description, value: valueOf(option) }))

const valueOf = ({ boolean, choices, placeholder }: Option): CompletedFlag['value'] => {
  if (boolean) return undefined
  if (choices.length > 0) return choices
  if (placeholder === 'FILE') return 'file'
  return placeholder === 'DIR' ? 'folder' : 'any'
}
