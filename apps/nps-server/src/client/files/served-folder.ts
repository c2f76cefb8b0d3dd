import { constants, type Dirent } from 'node:fs'
import { access, readdir, realpath, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'

/** A file or folder that may be seen. */
export interface Found {
  readonly isFolder: boolean
  /** Of the folder that is served; no name in it is a link. */
  readonly root: string
  /** Below it. */
  readonly names: readonly string[]
}

/** One of a folder's. */
export interface Entry {
  readonly name: string
  readonly isFolder: boolean
}

/** More are not listed. */
const MOST_ENTRIES = 10_000

/** What visitors may see: what is really below a folder, under no name that begins with a dot. */
export class ServedFolder {
  readonly #folder: string

  /** @param folder may be a link, which is followed anew each time */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** @returns undefined where there is nothing, or nothing that may be seen */
  async find(within: readonly string[], names: readonly string[]): Promise<Found | undefined> {
    try {
      const outer = await realpath(this.#folder)
      const root = await realpath(join(outer, ...within))
      const path = await realpath(join(root, ...names))
      const shown = namesBelow(root, path)
      if (namesBelow(outer, root) === undefined || shown === undefined) return undefined
      const found = await stat(path)
      if (!found.isFile() && !found.isDirectory()) return undefined
      if (found.isFile()) await access(path, constants.R_OK)
      return { isFolder: found.isDirectory(), root, names: shown }
    } catch {
      // Whatever the system says of a path, visitors are not told.
      return undefined
    }
  }

  /** By name. Links are left out where they lead to nothing that may be seen. */
  async list({ root, names }: Found): Promise<readonly Entry[]> {
    const folder = join(root, ...names)
    const all = await readdir(folder, { withFileTypes: true })
    const entries: Entry[] = []
    for (const entry of all.slice(0, MOST_ENTRIES)) {
      const isFolder = entry.isSymbolicLink() ? await this.#seen(root, names, entry) : kindOf(entry)
      if (isFolder !== undefined && !entry.name.startsWith('.')) entries.push({ name: entry.name, isFolder })
    }
    return entries.toSorted((one, other) => (one.name < other.name ? -1 : 1))
  }

  async #seen(root: string, names: readonly string[], { name }: Dirent): Promise<boolean | undefined> {
    const within = namesBelow(await realpath(this.#folder), root) ?? []
    return (await this.find(within, [...names, name]))?.isFolder
  }
}

const kindOf = (entry: Dirent): boolean | undefined =>
  entry.isDirectory() ? true : entry.isFile() ? false : undefined

/** @returns undefined where `path` is not below `root`, or under a name that begins with a dot */
const namesBelow = (root: string, path: string): readonly string[] | undefined => {
  const way = relative(root, path)
  if (way === '') return []
  const names = way.split(sep)
  return names.some((name) => name.startsWith('.')) ? undefined : names
}
