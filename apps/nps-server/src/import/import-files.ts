import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { ConfigError } from '@sluice/service'
import { MAX_NPS_FILE_CHARS } from '@sluice/wire/npc'

/** One file of nps or npc. */
export interface ImportFile {
  readonly path: string
  readonly text: string
}

const NAMES = {
  clients: 'clients.json',
  tunnels: 'tasks.json',
  hosts: 'hosts.json',
  global: 'global.json',
  nps: 'nps.conf',
  npc: 'npc.conf',
} as const
type FileKind = keyof typeof NAMES

/** Those that are there. */
export type ImportFiles = { readonly [Kind in FileKind]?: ImportFile }

const KINDS = Object.keys(NAMES) as FileKind[]

/**
 * The files of a folder, or of its folder `conf`; or one of them by itself.
 * @throws ConfigError USAGE where there is none, or one cannot be read
 */
export const readImportFiles = async (path: string): Promise<ImportFiles> => {
  const found = (await isFolder(path)) ? await readFolder(path) : await readOne(path)
  if (Object.keys(found).length > 0) return found
  throw new ConfigError('USAGE', `${path}: wanted ${Object.values(NAMES).join(', ')}, or a folder with them`)
}

const readFolder = async (folder: string): Promise<ImportFiles> => {
  const found = await filesOf(folder)
  return Object.keys(found).length > 0 ? found : filesOf(join(folder, 'conf'))
}

const filesOf = async (folder: string): Promise<ImportFiles> => {
  const found: Record<string, ImportFile> = {}
  for (const kind of KINDS) {
    const file = await read(join(folder, NAMES[kind]), true)
    if (file !== undefined) found[kind] = file
  }
  return found
}

const readOne = async (path: string): Promise<ImportFiles> => {
  const file = await read(path, false)
  if (file === undefined) return {}
  const kind = KINDS.find((each) => NAMES[each] === basename(path)) ?? kindOfConf(file)
  return kind === undefined ? {} : { [kind]: file }
}

/** Of a file with a name of its own. */
const kindOfConf = ({ path, text }: ImportFile): FileKind | undefined => {
  if (!path.endsWith('.conf')) return undefined
  return /^\s*\[common\]\s*$/m.test(text) ? 'npc' : 'nps'
}

const read = async (path: string, isOptional: boolean): Promise<ImportFile | undefined> => {
  try {
    const { size } = await stat(path)
    if (size > MAX_NPS_FILE_CHARS) throw new ConfigError('USAGE', `${path} is larger than 64 MiB`)
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
    return { path, text }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed'
    if (error instanceof ConfigError || (isOptional && code === 'ENOENT')) {
      if (error instanceof ConfigError) throw error
      return undefined
    }
    const reason = code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8' : code
    throw new ConfigError('USAGE', `${path} cannot be read: ${reason}`, { cause: error })
  }
}

/** A file that another one names, looked for from the folder of that one. */
export const readBeside = (file: ImportFile, name: string): Promise<ImportFile | undefined> =>
  read(join(dirname(file.path), name), true)

/** A path of these files, which nps takes from the folder that it runs in: the one with `conf`. As it is where nothing is there. */
export const pathFrom = (files: ImportFiles, path: string): string => {
  const [file] = Object.values(files)
  if (file === undefined) return path
  const folder = resolve(dirname(file.path))
  return [dirname(folder), folder].map((each) => resolve(each, path)).find(existsSync) ?? path
}

const isFolder = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isDirectory()
  } catch (cause) {
    throw new ConfigError('USAGE', `${path} cannot be read`, { cause })
  }
}
