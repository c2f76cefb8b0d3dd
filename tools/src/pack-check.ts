// Packs every library as npm would publish it, installs all of them in an empty project, type-checks the example of each
// README there, and runs it by `import` and by `require`. The registry is asked for their dependencies only. Ends with 1
// at the first thing amiss.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Project, readProjects } from './project.ts'
import { asCommonJs, readExample } from './readme-example.ts'

const ROOT = join(import.meta.dirname, '../..')
const BIN = join(ROOT, 'node_modules/.bin')
const RUN_MS = 60_000

/** What a package must bring, and what is of no use to anybody else. */
const WANTED = ['README.md', 'LICENSE', 'package.json', 'dist/index.js', 'dist/index.d.ts', 'src/index.ts']
const UNWANTED = /\.test\.|\.tsbuildinfo$|node_modules|\/testing\/(?!manual-clock\.)/

/** The two ways in which TypeScript looks for the types of a package. */
const RESOLUTIONS = {
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
}

async function main(folder: string): Promise<void> {
  const libraries = readProjects(ROOT).filter(({ dir }) => dir.startsWith('libs/'))
  const names = libraries.map(({ manifest }) => manifest.nx?.name ?? '')
  call(join(BIN, 'nx'), ['run-many', '-t', 'build', '-p', names.join(',')], ROOT)
  const tarballs = libraries.map((library) => pack(library, folder))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  call(
    'npm',
    ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', ...tarballs],
    folder,
  )
  for (const library of libraries) writeExamples(library, folder)
  checkTypes(libraries, folder)
  for (const library of libraries) for (const kind of ['mts', 'cts']) await runExample(library, folder, kind)
}

/** @returns the tarball, as `npm install` takes it */
function pack({ dir, manifest }: Project, folder: string): string {
  const said = call('npm', ['pack', '--json', '--pack-destination', folder], join(ROOT, dir))
  const packed = Object.values<{ filename: string; files: { path: string }[] }>(JSON.parse(said))[0]
  const files = packed?.files.map(({ path }) => path) ?? []
  const missing = WANTED.filter((file) => !files.includes(file))
  const superfluous = files.filter((file) => UNWANTED.test(file))
  if (missing.length > 0) throw new Error(`${manifest.name} comes without ${missing.join(', ')}`)
  if (superfluous.length > 0) throw new Error(`${manifest.name} comes with ${superfluous.join(', ')}`)
  if (!readFileSync(join(ROOT, dir, 'LICENSE')).equals(readFileSync(join(ROOT, 'LICENSE'))))
    throw new Error(`${dir}/LICENSE is not that of the tree`)
  console.log(`ok: ${manifest.name} is ${files.length} files`)
  return `./${packed?.filename}`
}

const exampleOf = ({ dir }: Project): string => dir.replaceAll('/', '-')

function writeExamples(library: Project, folder: string): void {
  const example = readExample(readFileSync(join(ROOT, library.dir, 'README.md'), 'utf8'))
  const name = join(folder, exampleOf(library))
  writeFileSync(`${name}.mts`, example)
  writeFileSync(`${name}.cts`, asCommonJs(example))
}

/** The types of Node are our tree's; everything else is what was installed. */
function checkTypes(libraries: readonly Project[], folder: string): void {
  const imports = libraries.map(
    ({ manifest }, at) => `import l${at} = require('${manifest.name}')\nvoid l${at}\n`,
  )
  writeFileSync(join(folder, 'require.cts'), imports.join(''))
  for (const [name, resolution] of Object.entries(RESOLUTIONS)) {
    const compilerOptions = {
      ...resolution,
      target: 'es2024',
      strict: true,
      noEmit: true,
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
      skipLibCheck: false,
    }
    const include = ['*.mts', ...(name === 'nodenext' ? ['require.cts'] : [])]
    writeFileSync(join(folder, `tsconfig.${name}.json`), JSON.stringify({ compilerOptions, include }))
    call(join(BIN, 'tsc'), ['-p', `tsconfig.${name}.json`], folder)
    console.log(`ok: types by ${name}`)
  }
}

/** An example ends by itself, or is a program that says when it is ready, and then ends on SIGTERM. */
async function runExample(library: Project, folder: string, kind: string): Promise<void> {
  const cwd = join(folder, `${exampleOf(library)}-${kind}`)
  mkdirSync(cwd)
  const args = [join(folder, `${exampleOf(library)}.${kind}`), '--ops', '127.0.0.1:0', '--data', cwd]
  const env = { PATH: process.env['PATH'] }
  const child = spawn(process.execPath, args, { cwd, env, timeout: RUN_MS, killSignal: 'SIGKILL' })
  let output = ''
  const take = (chunk: Buffer): void => {
    output += chunk.toString()
    if (output.includes('"msg":"ready"')) child.kill('SIGTERM')
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`the example of ${library.dir} as .${kind} ended with ${code}:\n${output}`)
  console.log(`ok: the example of ${library.manifest.name} as .${kind}`)
}

/** @returns what it printed @throws Error with everything that it said */
function call(command: string, args: readonly string[], cwd: string): string {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (cause) {
    const { stdout, stderr } = cause as { stdout: string; stderr: string }
    throw new Error(`${command} ${args.join(' ')}:\n${stdout}${stderr}`, { cause })
  }
}

const folder = mkdtempSync(join(tmpdir(), 'pack-check-'))
try {
  await main(folder)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
