import type { CompletedCommand, CompletedFlag } from './completion.ts'

/** A completion for bash 4 and newer. */
export const bashCompletion = (name: string, commands: readonly CompletedCommand[]): string => {
  const call = `_${name.replaceAll(/\W/g, '_')}`
  return `# bash completion of ${name}: source <(${name} completion bash)
${call}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} at='' i
  # "=" is a word of its own here.
  if [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at:\${COMP_WORDS[i]}" in
${commands.map(walkCases).join('')}    esac
  done
  local words='' kind=''
  case "$at" in
${commands.map(commandCase).join('')}  esac
  COMPREPLY=()
  case $kind in
    file) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames ;;
    folder) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); compopt -o filenames ;;
    words) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur") ;;
  esac
}
complete -F ${call} ${name}
`
}

const place = ({ words }: Pick<CompletedCommand, 'words'>): string => words.map((word) => ` ${word}`).join('')

/** Commands lead on; the value of a flag before them is stepped over, so that it is not taken for one. */
const walkCases = (command: CompletedCommand): string => {
  if (command.commands.length === 0) return ''
  const at = place(command)
  const leads = command.commands.map(([word]) => `'${at}:${word}'`)
  const valued = command.flags.filter(({ value }) => value !== undefined).map(({ flag }) => `'${at}:${flag}'`)
  const lead = `      ${leads.join(' | ')}) at="$at \${COMP_WORDS[i]}" ;;\n`
  if (valued.length === 0) return lead
  return `${lead}      ${valued.join(' | ')})\n        [[ \${COMP_WORDS[i + 1]} == = ]] && ((i += 2)) || ((i += 1)) ;;\n`
}

const commandCase = (command: CompletedCommand): string => {
  const { flags, commands, operand } = command
  const own = operand === 'file' ? [] : operand
  const words = [...commands.map(([word]) => word), ...own].join(' ')
  return `    '${place(command)}')
      case $prev in
${valueCases(flags)}        *)
          if [[ $cur == -* ]]; then kind=words words='${flags.map(({ flag }) => flag).join(' ')}'
          else kind=${operand === 'file' ? 'file' : 'words'} words='${words}'; fi ;;
      esac ;;
`
}

/** Flags whose values are completed alike share a line. */
const valueCases = (flags: readonly CompletedFlag[]): string => {
  const byValue = new Map<string, string[]>()
  for (const { flag, value } of flags) {
    if (value === undefined) continue
    const then = typeof value === 'string' ? `kind=${value}` : `kind=words words='${value.join(' ')}'`
    byValue.set(then, [...(byValue.get(then) ?? []), flag])
  }
  return [...byValue].map(([then, names]) => `        ${names.join(' | ')}) ${then} ;;\n`).join('')
}
