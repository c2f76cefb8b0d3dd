import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The parts of a package.json that the checks read. */
export interface Manifest {
  name: string
  scripts?: Record<string, string>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  exports?: Record<string, unknown>
  nx?: Nx
}

interface Nx {
  name?: string
  tags?: string[]
  targets?: Record<string, unknown>
}

/** One app or lib: its folder (relative to the root, no trailing slash) and its package.json. */
export interface Project {
  dir: string
  manifest: Manifest
}

export function readManifest(file: string): Manifest {
  return JSON.parse(readFileSync(file, 'utf8'))
}

/** Every workspace package below `root`, in a stable order. */
export function readProjects(root: string): Project[] {
  return globSync('{apps,libs}/*/package.json', { cwd: root })
    .toSorted()
    .map((file) => ({ dir: dirname(file), manifest: readManifest(join(root, file)) }))
}

/** Nx target names by project name, from package.json (`nx`) and project.json files. */
export function readTargets(root: string): Map<string, Set<string>> {
  const projects = readProjects(root).map(({ manifest }) => manifest.nx ?? {})
  for (const file of globSync('*/project.json', { cwd: root }))
    projects.push(JSON.parse(readFileSync(join(root, file), 'utf8')))
  return new Map(projects.map((nx) => [nx.name ?? '', new Set(Object.keys(nx.targets ?? {}))]))
}
