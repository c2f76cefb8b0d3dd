// Which project may import what (docs/architecture.md, "The tree"). Run as a program it checks the repository.
import { globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasComputedImport, readImports, type Import } from './imports.ts'
import { readManifest, readProjects, type Manifest, type Project } from './project.ts'

const IMPURE = /^node:(net|tls|dgram|fs|fs\/promises|http|https|http2)$/
const PURE = new Set(['@sluice/wire', '@sluice/ratelimit', '@sluice/metrics'])
const NET_MAY_ONLY_NAME = '@sluice/ratelimit'
const NET_MAY_IMPORT = new Set(['@sluice/wire', NET_MAY_ONLY_NAME])
const isTest = (file: string): boolean => /\.test\.ts$|\/testing\//.test(file)

interface Tree {
  root: string
  byName: Map<string, Project>
  rootDev: Set<string>
}

/**
 * Every broken rule below `root`, one line each, beginning with the file; empty when the tree is sound.
 * - a bare import is declared in its own package.json (tests may also use the root's devDependencies)
 * - layer 1 imports nothing of ours, layer 2 wire and types of ratelimit, layer 3 the layers below it; apps
 *   import libs, nothing imports an app
 * - only what `exports` names, of that `…/testing` in tests alone; relative imports stay in their project; computed `import(x)` is refused
 * - wire, ratelimit and metrics open no socket and no file (their tests may); built-ins carry `node:`
 * - tsconfig references are exactly the dependencies of ours, and the root references every project
 */
export function checkBoundaries(root: string): string[] {
  const projects = readProjects(root)
  const rootDev = new Set(Object.keys(readManifest(join(root, 'package.json')).devDependencies ?? {}))
  const tree: Tree = { root, byName: new Map(projects.map((p) => [p.manifest.name, p])), rootDev }
  return [
    ...projects.flatMap((project) => [...checkSources(tree, project), ...checkReferences(tree, project)]),
    ...compareReferences(
      root,
      '.',
      projects.map((p) => p.dir),
    ),
  ]
}

function checkSources(tree: Tree, project: Project): string[] {
  const files = globSync(`${project.dir}/src/**/*.ts`, { cwd: tree.root }).toSorted()
  return files.flatMap((file) => {
    const source = readFileSync(join(tree.root, file), 'utf8')
    const errors = readImports(source).flatMap((found) => checkImport(tree, project, file, found))
    if (hasComputedImport(source)) errors.push('import() needs a plain string')
    return errors.map((error) => `${file}: ${error}`)
  })
}

function checkImport(tree: Tree, project: Project, file: string, found: Import): string[] {
  const { spec } = found
  if (spec.startsWith('.')) return checkRelative(project, file, spec)
  if (!spec.startsWith('node:') && builtinModules.includes(spec)) return [`'${spec}' needs the node: prefix`]
  if (spec.startsWith('node:')) return checkBuiltin(project, file, spec)
  const name = spec
    .split('/')
    .slice(0, spec.startsWith('@') ? 2 : 1)
    .join('/')
  const target = tree.byName.get(name)
  return [
    ...(target ? checkOurs(project, target, file, found) : []),
    ...(isDeclared(tree, project.manifest, file, name)
      ? []
      : [`'${name}' is not in ${project.dir}/package.json`]),
  ]
}

function checkRelative(project: Project, file: string, spec: string): string[] {
  const outside = relative(project.dir, join(dirname(file), spec)).startsWith('..')
  return outside ? [`'${spec}' leaves the project`] : []
}

function checkBuiltin(project: Project, file: string, spec: string): string[] {
  const impure = PURE.has(project.manifest.name) && !isTest(file) && IMPURE.test(spec)
  return impure ? [`'${spec}' has no place in ${project.manifest.name}`] : []
}

function checkOurs(from: Project, to: Project, file: string, { spec, typeOnly }: Import): string[] {
  const subpath = `.${spec.slice(to.manifest.name.length)}`
  const errors = subpath in (to.manifest.exports ?? {}) ? [] : [`'${spec}' is not exported by ${to.dir}`]
  if (subpath === './testing' && !isTest(file)) errors.push(`'${spec}' is for tests`)
  const [lower, upper] = [layer(to.manifest), layer(from.manifest)]
  if (!(lower < upper)) errors.push(`${from.manifest.name} may not import ${to.manifest.name}`)
  else if (upper === 2 && !NET_MAY_IMPORT.has(to.manifest.name))
    errors.push(`layer 2 may not import '${spec}'`)
  else if (to.manifest.name === NET_MAY_ONLY_NAME && upper === 2 && !typeOnly && !isTest(file))
    errors.push(`layer 2 may import only types of '${spec}'`)
  return errors
}

/** 1, 2, 3 for libs, 4 for an app; a lib without its tag may import nothing and be imported by nobody. */
function layer({ nx }: Manifest): number {
  const tags = nx?.tags ?? []
  if (tags.includes('type:app')) return 4
  return Number(tags.find((tag) => tag.startsWith('layer:'))?.slice('layer:'.length) ?? Number.NaN)
}

function isDeclared(tree: Tree, manifest: Manifest, file: string, name: string): boolean {
  return name in (manifest.dependencies ?? {}) || (isTest(file) && tree.rootDev.has(name))
}

function checkReferences(tree: Tree, { dir, manifest }: Project): string[] {
  const ours = Object.keys(manifest.dependencies ?? {}).flatMap((name) => tree.byName.get(name)?.dir ?? [])
  return compareReferences(tree.root, dir, ours)
}

function compareReferences(root: string, dir: string, wanted: string[]): string[] {
  const text = readFileSync(join(root, dir, 'tsconfig.json'), 'utf8')
  const { references = [] }: { references?: { path: string }[] } = JSON.parse(text)
  const found = references.map(({ path }) => relative(root, resolve(root, dir, path)))
  const missing = wanted
    .filter((path) => !found.includes(path))
    .map((path) => `lacks the reference to ${path}`)
  const extra = found
    .filter((path) => !wanted.includes(path))
    .map((path) => `references ${path}, not a dependency`)
  return [...missing, ...extra].map((error) => `${join(dir, 'tsconfig.json')}: ${error}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const errors = checkBoundaries(process.cwd())
  for (const error of errors) console.error(error)
  console.log(`boundaries: ${errors.length} errors`)
  process.exitCode = errors.length > 0 ? 1 : 0
}
