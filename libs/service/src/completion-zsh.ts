import type { CompletedCommand, CompletedFlag } from './completion.ts'

/** A completion for zsh. */
export const zshCompletion = (name: string, commands: readonly CompletedCommand[]): string => {
  const call = `_${name.replaceAll(/\W/g, '_')}`
  return `#compdef ${name}
# zsh completion of ${name}: source <(${name} completion zsh), after compinit
${call}() {
  local at='' i
  for ((i = 2; i < CURRENT; i++)); do
    case "$at:$words[i]" in
${commands.map(walkCases).join('')}    esac
  done
  case "$at" in
${commands.map(commandCase).join('')}  esac
}
if [ "$funcstack[1]" = ${call} ]; then ${call} "$@"; else compdef ${call} ${name}; fi
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
  const lead = `      ${leads.join('|')}) at="$at $words[i]" ;;\n`
  return flags.length === 0 ? lead : `${lead}      ${flags.join('|')}) ((i += 1)) ;;\n`
}

const commandCase = (command: CompletedCommand): string => {
  const specs = [...command.flags.map(flagSpec), ...operandSpecs(command)]
  return `    '${place(command)}')\n      _arguments ${specs.map((spec) => `\\\n        ${single(spec)}`).join(' ')} ;;\n`
}

const flagSpec = ({ flag, about, value }: CompletedFlag): string => {
  const text = `[${inSpec(about)}]`
  if (value === undefined) return `${flag}${text}`
  return `${flag}=${text}:${flag.slice(2)}:${actionOf(value)}`
}

const actionOf = (value: NonNullable<CompletedFlag['value']>): string => {
  if (value === 'any') return ''
  if (value === 'file') return '_files'
  return value === 'folder' ? '_files -/' : `(${value.join(' ')})`
}

const operandSpecs = ({ commands, operand }: CompletedCommand): string[] => {
  if (operand === 'file') return ['*:file:_files']
  const described = commands.map(([word, about]) => String.raw`${word}\:${quoted(inSpec(about))}`)
  if (described.length > 0) return [`*:command:((${described.join(' ')}))`]
  return operand.length > 0 ? [`*:command:(${operand.join(' ')})`] : []
}

/** Colons and brackets mean something in a specification. */
const inSpec = (text: string): string => text.replaceAll(/[\\:[\]]/g, String.raw`\$&`)
const quoted = (text: string): string => `"${text.replaceAll(/["$`]/g, '')}"`
const single = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`
