import type { App, AppCommand } from './app.ts'
import { appHelp } from './app-help.ts'
import { completionScript, SHELLS } from './completion.ts'
import type { Shell } from './completion.ts'
import { ConfigError } from './config-error.ts'
import { manualText } from './help-text.ts'
import { nearest } from './nearest.ts'
import type { ProgramConfig } from './program-options.ts'

type Commands = Readonly<Record<string, AppCommand>>

/** The commands of a program, and those that every program has: `completion` and `help`. */
export const commandsOf = <Config extends ProgramConfig>(app: App<Config>): Commands => {
  const commands: Record<string, AppCommand> = { ...app.commands }
  // A shell completes one word, and not `npm start`.
  if (!app.name.includes(' ')) {
    commands['completion'] = {
      about: 'Prints the completion of its commands and flags for a shell.',
      usage: SHELLS.join('|'),
      operand: SHELLS,
      run: async (argv) => print(completion(app, commands, argv)),
    }
  }
  commands['help'] = {
    about: 'Prints the help of a command.',
    usage: '[COMMAND …]',
    operand: ['serve', ...Object.keys(commands)],
    run: async (argv) => help(app, commands, argv),
  }
  return commands
}

/** The error of a word that is no command. */
export const unknownCommand = (word: string, commands: Commands): ConfigError => {
  const words = ['serve', ...Object.keys(commands)]
  const meant = nearest(word, words)
  const hint = meant === undefined ? `wanted one of ${words.join(', ')}` : `did you mean ${meant}?`
  return new ConfigError('USAGE', `${word.slice(0, 80)}: unknown command, ${hint}`)
}

const print = (text: string): number => {
  process.stdout.write(text)
  return 0
}

const help = async <Config extends ProgramConfig>(
  app: App<Config>,
  commands: Commands,
  [word = 'serve', ...rest]: readonly string[],
): Promise<number> => {
  if (word === 'serve' || word.startsWith('-') || word === 'help') return print(appHelp(app, commands))
  const command = Object.hasOwn(commands, word) ? commands[word] : undefined
  if (command === undefined) throw unknownCommand(word, commands)
  return command.run([...rest, '--help'])
}

const completion = <Config extends ProgramConfig>(
  app: App<Config>,
  commands: Commands,
  argv: readonly string[],
): string => {
  if (argv.includes('--help') || argv.includes('-h')) return completionHelp(app.name)
  const shell = SHELLS.find((each) => each === argv[0])
  if (shell !== undefined && argv.length === 1) {
    const words = { serve: { about: 'Runs it.', flags: app.schema }, ...commands }
    return completionScript(shell, app.name, { about: app.intro, flags: app.schema, commands: words })
  }
  throw new ConfigError('USAGE', `completion: wanted one of ${SHELLS.join(', ')}`)
}

const INSTALLED: Record<Shell, (name: string) => string> = {
  bash: (name) => `source <(${name} completion bash)`,
  zsh: (name) => `source <(${name} completion zsh)`,
  fish: (name) => `${name} completion fish | source`,
}

const completionHelp = (name: string): string =>
  manualText({
    head: `${name} completion: prints the completion of its commands and flags for a shell`,
    synopsis: [`${name} completion ${SHELLS.join('|')}`],
    description: [
      `The shell has to know the program as ${name}: a file of that name on the PATH, or an alias.`,
      'Commands, flags, the values of flags that are one of a list, files and folders are completed.',
    ],
    examples: SHELLS.map((shell) => ({
      does: `In the start-up file of ${shell}:`,
      line: INSTALLED[shell](name),
    })),
    sections: {
      'exit status': [
        ['0', 'done'],
        ['2', 'bad usage'],
      ],
    },
  })
