// Just enough shell to find the commands of a script: words, quotes, operators, redirections, substitutions,
// comments and here-documents.

/** One simple command: its words with quotes taken off, and its line in the script, counted from 1. */
export interface Command {
  words: string[]
  line: number
}

const TOKEN =
  /(?<space>[ \t]+|\\\n)|(?<here><<-?\s*['"]?(?<end>\w+)['"]?.*\n(?:.*\n)*?\s*\k<end>(?=\n|$))|(?<redirect>\d*(?:>>?|<<?|&>)&?[ \t]*)|(?<end2>\|\||&&|[;&|\n()])|(?<comment>#.*)|(?<word>(?:[^\s;&|()<>'"\\$`]|\\.|'[^']*'|"(?:\\.|\$\([^()]*\)|[^"\\])*"|\$\([^()]*\)|\$)+)/y
const QUOTE = /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/g
const SUBSTITUTION = /\$\(([^()]*)\)/g
const ASSIGNMENT = /^[A-Za-z_]\w*=/
const PREFIXES = new Set([
  'sudo',
  'exec',
  'time',
  'env',
  'do',
  'then',
  'else',
  'if',
  'while',
  'until',
  '!',
  '{',
  '}',
])
const KEYWORDS = new Set(['for', 'done', 'fi', 'case', 'esac'])

/**
 * Every simple command of `script`, with those inside `$(…)`, in the order they begin; assignments, `sudo`, loop
 * words and redirections are taken off.
 * @throws SyntaxError where the script cannot be read (an open quote, a backtick)
 */
export function readCommands(script: string): Command[] {
  const commands: Command[] = []
  let words: string[] = []
  let redirected = false
  for (const { token, line } of tokens(script)) {
    if (token['end2'] !== undefined) words = []
    else if (token['redirect'] !== undefined) redirected = true
    else if (token['word'] !== undefined) {
      commands.push(...substitutions(token['word'], line))
      if (!redirected && words.push(unquote(token['word'])) === 1) commands.push({ words, line })
      redirected = false
    }
  }
  return commands.map(bare).filter(({ words: [first] }) => first !== undefined && !KEYWORDS.has(first))
}

function* tokens(script: string): Generator<{ token: Record<string, string>; line: number }> {
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < script.length) {
    const at = TOKEN.lastIndex
    const line = script.slice(0, at).split('\n').length
    const match = TOKEN.exec(script)
    if (!match?.groups) throw new SyntaxError(`line ${line}: cannot read '${script.slice(at, at + 20)}'`)
    const next = TOKEN.lastIndex
    yield { token: match.groups, line }
    TOKEN.lastIndex = next
  }
}

const unquote = (word: string): string =>
  word.replaceAll(QUOTE, (_all, a?: string, b?: string, c?: string) => a ?? b ?? c ?? '')

function substitutions(word: string, line: number): Command[] {
  const shown = word.replaceAll(/'[^']*'/g, '')
  return [...shown.matchAll(SUBSTITUTION)].flatMap(([, inner = '']) =>
    readCommands(inner).map((command) => ({ ...command, line: line + command.line - 1 })),
  )
}

function bare({ words, line }: Command): Command {
  const start = words.findIndex((word) => !ASSIGNMENT.test(word) && !PREFIXES.has(word))
  return { words: start < 0 ? [] : words.slice(start), line }
}
