import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readManifest, readProjects, readTargets } from './project.ts'

/** The text an app prints for `<path…> --help`; undefined where it knows no such subcommand. */
export type Help = (app: string, path: string[]) => string | undefined

/** What a documented command may refer to. */
export interface Surroundings {
  root: string
  scripts: Set<string>
  targets: Map<string, Set<string>>
  apps: string[]
  help: Help
}

const FOREIGN = new Set(
  `apt-get buildah cat cd cp curl docker echo export git install journalctl jq kill ls mkdir nc openssl podman printf
   proxychains4 ps python3 read sleep socat ss ss-local ss-tunnel ssh stat sysctl systemctl systemd-analyze systemd-run tail test ulimit wait`.split(
    /\s+/,
  ),
)
const NPM = new Set(['ci', 'exec', 'install', 'ls', 'pack', 'version'])
const NX = new Set(['affected', 'graph', 'reset', 'run-many', 'show'])
const APP = /^(?:\.\/)?apps\/([\w-]+)\/dist\/main\.mjs$/

export function readSurroundings(root: string): Omit<Surroundings, 'help'> {
  return {
    root,
    scripts: new Set(Object.keys(readManifest(join(root, 'package.json')).scripts ?? {})),
    targets: readTargets(root),
    apps: readProjects(root).flatMap(({ dir }) => (dir.startsWith('apps/') ? dir.slice('apps/'.length) : [])),
  }
}

/** Runs the apps from source, each subcommand at most once. */
export function appHelp(root: string): Help {
  const known = new Map<string, string | undefined>()
  return (app, path) => {
    const key = [app, ...path].join(' ')
    if (!known.has(key)) known.set(key, askHelp(root, app, path))
    return known.get(key)
  }
}

function askHelp(root: string, app: string, path: string[]): string | undefined {
  const flags = [
    '--conditions=@sluice/source',
    '--experimental-strip-types',
    '--disable-warning=ExperimentalWarning',
  ]
  const args = [...flags, `apps/${app}/src/main.ts`, ...path, '--help']
  const { status, stdout } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    timeout: 30_000,
  })
  return status === 0 ? stdout : undefined
}

/** What is wrong with one command of the docs, typed in the repository's root; empty where nothing is. */
export function checkCommand(words: string[], around: Surroundings): string[] {
  const [first = '', ...rest] = words
  if (first === 'npm') return checkNpm(rest, around)
  if (first === 'npx') return checkNpx(rest, around)
  if (first === 'node') return checkNode(rest, around)
  if (first === 'bash' || first === 'sh') return checkFile(rest[0] ?? '', around)
  if (first.startsWith('/') || FOREIGN.has(first)) return []
  return first.includes('/') ? checkFile(first, around) : [`unknown command '${first}'`]
}

function checkFile(path: string, { root }: Surroundings): string[] {
  return path.startsWith('-') || existsSync(join(root, path)) ? [] : [`no file '${path}'`]
}

function checkNpm([verb = '', ...rest]: string[], around: Surroundings): string[] {
  if (NPM.has(verb)) return []
  const script = verb === 'run' ? (rest[0] ?? '') : verb
  if (!around.scripts.has(script)) return [`no npm script '${script}'`]
  const flags = rest.includes('--') ? rest.slice(rest.indexOf('--') + 1) : []
  if (script !== 'start') return []
  const tries = around.apps.map((app) => checkApp(app, flags, around))
  return tries.some((errors) => errors.length === 0) ? [] : (tries[0] ?? [])
}

function checkNpx([tool = '', verb = '', project = '', ...rest]: string[], around: Surroundings): string[] {
  if (tool !== 'nx')
    return existsSync(join(around.root, 'node_modules/.bin', tool)) ? [] : [`no tool '${tool}'`]
  if (NX.has(verb)) return []
  const targets = around.targets.get(project)
  if (!targets) return [`no project '${project}'`]
  if (!targets.has(verb)) return [`'${project}' has no target '${verb}'`]
  return verb === 'serve' ? checkApp(project, rest.slice(rest[0] === '--' ? 1 : 0), around) : []
}

function checkNode(args: string[], around: Surroundings): string[] {
  if (args.includes('-e') || args.includes('--version')) return []
  const at = args.findIndex((arg) => !arg.startsWith('-'))
  const file = args[at] ?? ''
  const app = APP.exec(file)?.[1]
  return app === undefined ? checkFile(file, around) : checkApp(app, args.slice(at + 1), around)
}

function checkApp(app: string, args: string[], around: Surroundings): string[] {
  if (!around.apps.includes(app)) return [`no app '${app}'`]
  const end = args.findIndex((arg) => arg.startsWith('-'))
  const { text, error } = findHelp(app, end < 0 ? args : args.slice(0, end), around.help)
  if (error !== undefined) return [error]
  const flags = args.filter((arg) => /^--?[a-z]/.test(arg)).map((arg) => arg.split('=')[0] ?? arg)
  return flags.filter((flag) => !mentions(text, flag)).map((flag) => `'${app}' has no flag '${flag}' there`)
}

/** The help that belongs to the words before the first flag: of two of them, of one, or of the program. */
function findHelp(app: string, words: string[], help: Help): { text: string; error?: string } {
  const top = help(app, [])
  if (top === undefined) return { text: '', error: `'${app} --help' fails` }
  const [verb, noun] = words
  if (verb === undefined) return { text: `${help(app, ['serve']) ?? ''}\n${top}` }
  const one = mentions(top, verb) ? help(app, [verb]) : undefined
  const two = noun !== undefined && mentions(one ?? top, noun) ? help(app, [verb, noun]) : undefined
  if (one === undefined && two === undefined) return { text: '', error: `'${app}' has no command '${verb}'` }
  return { text: `${two ?? one}\n${top}` }
}

const mentions = (text: string, word: string): boolean =>
  new RegExp(`(?<![\\w-])${word.replaceAll(/[^\w-]/g, String.raw`\$&`)}(?![\\w-])`).test(text)
