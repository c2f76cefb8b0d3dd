import type { CompletedCommand, CompletedFlag } from './completion.ts'

/** A completion for fish. */
export const fishCompletion = (name: string, commands: readonly CompletedCommand[]): string => {
  const call = `__${name.replaceAll(/\W/g, '_')}_at`
  return `# fish completion of ${name}: ${name} completion fish | source
function ${call}
    set -l at ''
    set -l skip 0
    for word in (commandline -opc)[2..]
        if test $skip = 1
            set skip 0
            continue
        end
        switch "$at:$word"
${commands.map(walkCases).join('')}        end
    end
    test "$at" = "$argv[1]"
end
complete -c ${name} -f
${commands.flatMap((command) => lines(name, call, command)).join('\n')}
`
}

const place = ({ words }: Pick<CompletedCommand, 'words'>): string => words.map((word) => ` ${word}`).join('')

/** Commands lead on; the value of a flag before them is stepped over, so that it is not taken for one. */
const walkCases = (command: CompletedCommand): string => {
  if (command.commands.length === 0) return ''
  const at = place(command)
  const leads = command.commands.map(([word]) => single(`${at}:${word}`))
  const valued = command.flags.filter(({ value }) => value !== undefined)
  const flags = valued.map(({ flag }) => single(`${at}:${flag}`))
  const lead = `            case ${leads.join(' ')}\n                set at "$at $word"\n`
  return flags.length === 0
    ? lead
    : `${lead}            case ${flags.join(' ')}\n                set skip 1\n`
}

const lines = (name: string, call: string, command: CompletedCommand): string[] => {
  const head = `complete -c ${name} -n ${single(`${call} ${single(place(command))}`)}`
  const operands =
    command.operand === 'file' ? [`${head} -F`] : command.operand.map((word) => `${head} -a ${word}`)
  return [
    ...command.commands.map(([word, about]) => `${head} -a ${word} -d ${single(about)}`),
    ...operands,
    ...command.flags.map(
      ({ flag, about, value }) => `${head} -l ${flag.slice(2)}${valueOf(value)} -d ${single(about)}`,
    ),
  ]
}

const valueOf = (value: CompletedFlag['value']): string => {
  if (value === undefined) return ''
  if (value === 'any') return ' -x'
  if (value === 'file') return ' -r -F'
  return value === 'folder'
    ? ` -x -a ${single('(__fish_complete_directories)')}`
    : ` -x -a ${single(value.join(' '))}`
}

/** In fish's single quotes a backslash escapes itself and the quote. */
const single = (text: string): string => `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`
