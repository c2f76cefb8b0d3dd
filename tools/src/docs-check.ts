// Holds the documentation to the repository: links resolve, commands exist. Run as a program it checks all of it.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { appHelp, checkCommand, readSurroundings, type Help } from './commands.ts'
import { readMarkdown, type Located, type Markdown } from './markdown.ts'
import { readCommands } from './shell.ts'

const SKIPPED = new Set(['node_modules', 'dist', 'coverage', 'data'])

/**
 * Every broken link and unknown command of every Markdown file below `root`, as `file:line: what`.
 * @param help what an app prints for `--help` below a subcommand; undefined where there is no such subcommand
 */
export function checkDocs(root: string, help: Help = appHelp(root)): string[] {
  const files = globSync('**/*.md', { cwd: root, exclude: (name) => SKIPPED.has(name) }).toSorted()
  const pages = new Map(files.map((file) => [file, readMarkdown(readFileSync(join(root, file), 'utf8'))]))
  const surroundings = { ...readSurroundings(root), help }
  return [...pages].flatMap(([file, page]) => [
    ...page.links.flatMap((link) => at(file, link.line, checkLink(root, pages, file, link.text))),
    ...page.scripts.flatMap((script) => checkScript(file, script, surroundings)),
  ])
}

const at = (file: string, line: number, errors: string[]): string[] =>
  errors.map((e) => `${file}:${line}: ${e}`)

function checkScript(
  file: string,
  script: Located,
  surroundings: Parameters<typeof checkCommand>[1],
): string[] {
  try {
    return readCommands(script.text).flatMap(({ words, line }) =>
      at(file, script.line + line - 1, checkCommand(words, surroundings)),
    )
  } catch (error) {
    if (error instanceof SyntaxError) return at(file, script.line, [error.message])
    throw error
  }
}

function checkLink(root: string, pages: Map<string, Markdown>, file: string, link: string): string[] {
  if (/^[a-z][a-z\d+.-]*:/i.test(link)) return []
  const [path = '', anchor] = decodeURIComponent(link).split('#')
  const target = path === '' ? file : join(dirname(file), path)
  if (path.startsWith('/') || relative(root, join(root, target)).startsWith('..'))
    return [`'${link}' leaves the repository`]
  if (!existsSync(join(root, target))) return [`'${link}' does not exist`]
  if (anchor === undefined || !target.endsWith('.md')) return []
  return pages.get(target)?.anchors.has(anchor) ? [] : [`'${link}' names no heading`]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const errors = checkDocs(process.cwd())
  for (const error of errors) console.error(error)
  console.log(`docs: ${errors.length} errors`)
  process.exitCode = errors.length > 0 ? 1 : 0
}
