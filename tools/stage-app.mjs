// `node tools/stage-app.mjs APP OUT`: lays out what an installed APP is, after `npx nx build APP`: the bundle, the
// defaults of its image, and the packages that the bundle wants from outside, with all they need, at the locked versions.
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EXTERNAL } from './bundle.mjs'

const root = resolve(fileURLToPath(import.meta.url), '../..')

/** The folder that `name` resolves to from a file in `from`; undefined for an optional package not installed. */
function findPackage(name, from) {
  const found = join(from, 'node_modules', name)
  if (existsSync(found)) return found
  return from === root ? undefined : findPackage(name, dirname(from))
}

/** Every package folder that `name` needs, itself first. */
function collect(name, from, found) {
  const folder = findPackage(name, from)
  if (folder === undefined || found.has(folder)) return found
  found.add(folder)
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  )
  for (const next of Object.keys({ ...dependencies, ...optionalDependencies })) collect(next, folder, found)
  return found
}

const [app, out] = process.argv.slice(2)
const dist = join(root, 'apps', app, 'dist')
cpSync(join(root, 'deploy/env', `${app}.env`), join(out, 'image.env'))
for (const name of ['main', 'program', 'sqlite-worker']) {
  cpSync(join(dist, `${name}.mjs`), join(out, `${name}.mjs`))
}
const program = readFileSync(join(dist, 'program.mjs'), 'utf8')
const wanted = EXTERNAL.filter((name) => program.includes(`"${name}"`))
const packages = wanted.reduce((found, name) => collect(name, root, found), new Set())
for (const folder of packages) cpSync(folder, join(out, relative(root, folder)), { recursive: true })
