import type { App } from './app.ts'
import { manualText } from './help-text.ts'
import type { Manual, Row } from './help-text.ts'
import type { ProgramConfig } from './program-options.ts'

const ENVIRONMENT: readonly Row[] = [
  ['SLUICE_…', 'Behind each flag stand in brackets its default and the variable that sets it, too.'],
  ['precedence', 'A flag wins over its variable, that over the file of --config, that over the default.'],
]

/** Where `--data` and `--store` point to. */
export const FILES: readonly Row[] = [
  ['DATA/sluice.db', 'users and usage, in the folder of --data; safe to share between programs'],
  ['FILE of --config', 'settings in YAML or JSON, one level; its keys are the flags without dashes'],
]

const SIGNALS: readonly Row[] = [
  ['TERM, INT', 'accept no more, let sessions end for --grace, book their usage, exit with 0'],
  ['a second one', 'ends the sessions that are left'],
  ['HUP', 'reads the settings again'],
]

const EXITS: readonly Row[] = [
  ['0', 'it stopped as it was told to'],
  ['1', 'it failed while running'],
  ['2', 'bad usage or settings: one line on stderr says what and where'],
]

/** The help of a whole program. */
export const appHelp = <Config extends ProgramConfig>(
  app: App<Config>,
  commands: App<Config>['commands'],
): string => {
  const { name, version, intro, description, examples, schema, operands } = app
  const manual: Manual = {
    head: `${name} ${version}: ${intro}`,
    synopsis: [
      [name, '[serve]', ...(operands ? [operands.usage] : []), '[flags]'].join(' '),
      ...Object.entries(commands).map(([word, { usage }]) => `${name} ${word} ${usage}`),
    ],
    ...(description && { description }),
    commands: [
      ['serve', 'Runs it until a signal stops it; so does no command at all.'],
      ...Object.entries(commands).map(([word, { about }]): Row => [word, about]),
    ],
    flags: schema,
    ...(examples && { examples }),
    sections: { environment: ENVIRONMENT, files: FILES, signals: SIGNALS, 'exit status': EXITS },
  }
  return manualText(manual)
}
