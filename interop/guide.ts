import { readFileSync } from 'node:fs'
import { dirname, delimiter, join } from 'node:path'
import { run } from './process.ts'
import { SEARCH_PATH } from './programs.ts'

const ROOT = join(import.meta.dirname, '..')
const GUIDE = readFileSync(join(ROOT, 'docs/migrate.md'), 'utf8')

/** What stands in the place of a text of the guide. */
export type Replacements = Readonly<Record<string, string>>

/**
 * The block of docs/migrate.md whose fence has this name behind its language, with other addresses and paths.
 * @throws Error where there is no such block, or it lacks one of the texts
 */
export const block = (name: string, replacements: Replacements = {}): string => {
  const text = GUIDE.split(/^```/m).find((part) => part.split('\n', 1)[0]!.endsWith(` ${name}`))
  if (text === undefined) throw new Error(`docs/migrate.md has no block ${name}`)
  return Object.entries(replacements).reduce(
    (body, [from, to]) => {
      if (!body.includes(from)) throw new Error(`${name} of docs/migrate.md has no ${from}`)
      return body.replaceAll(from, to)
    },
    text.slice(text.indexOf('\n') + 1),
  )
}

/** Runs a script of the guide on a data folder, in the root of the repository. @returns what it printed */
export const runScript = async (script: string, data: string): Promise<string> => {
  const env = { PATH: [dirname(process.execPath), SEARCH_PATH].join(delimiter), SLUICE_DATA: data, ROOT }
  const { status, stdout, stderr } = await run('bash', ['-euc', `cd "$ROOT"\n${script}`], '', env)
  if (status !== 0) throw new Error(stderr)
  return stdout.toString()
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/** Makes the windows of the guide's rules hold at any time, or at none that is near. */
export const windows = (hold: boolean): Replacements => {
  const now = new Date()
  const far = now.getUTCHours() < 12 ? "from: '20:00', to: '21:00'" : "from: '02:00', to: '03:00'"
  return {
    'Europe/Berlin': 'UTC',
    'days: [sat, sun]': `days: [${DAYS[(now.getUTCDay() + 3) % 7]}]`,
    "from: '17:30', to: '09:00'": hold ? "from: '00:00', to: '24:00'" : far,
  }
}
