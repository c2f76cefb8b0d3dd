import { WireError } from '../wire-error.ts'
import { type GoReader, readGoJson } from './go-json.ts'
import {
  type NpsClient,
  npsClient,
  type NpsGlobal,
  npsGlobal,
  type NpsHost,
  npsHost,
  type NpsTunnel,
  npsTunnel,
} from './records.ts'

/** Characters of a whole file. */
export const MAX_NPS_FILE_CHARS: number = 64 * 1024 * 1024

/** What is wrong with a file, and where: lines count from 1, offsets (of UTF-16) from 0. It repeats nothing of the file. */
export interface NpsFileError {
  readonly line: number
  readonly offset: number
  readonly message: string
}

/** All that can be read, and all that cannot. */
export interface NpsFile<T> {
  readonly records: readonly T[]
  readonly errors: readonly NpsFileError[]
}

/** `clients.json`. */
export function readNpsClients(text: string): NpsFile<NpsClient> {
  return readRecords(text, npsClient)
}

/** `tasks.json`. */
export function readNpsTunnels(text: string): NpsFile<NpsTunnel> {
  return readRecords(text, npsTunnel)
}

/** `hosts.json`. */
export function readNpsHosts(text: string): NpsFile<NpsHost> {
  return readRecords(text, npsHost)
}

/**
 * `global.json`, which is plain JSON.
 * @throws WireError WIRE_SYNTAX, WIRE_VALUE
 */
export function readNpsGlobal(text: string): NpsGlobal {
  return readGoJson(text, npsGlobal)
}

/** Behind each object of a file. No JSON has it, as its texts have no line feeds. */
const SEPARATOR = '\n*#*'

function readRecords<T>(text: string, read: GoReader<T>): NpsFile<T> {
  const records: T[] = []
  const errors: NpsFileError[] = []
  if (text.length > MAX_NPS_FILE_CHARS) {
    return {
      records,
      errors: [{ line: 1, offset: 0, message: `more than ${MAX_NPS_FILE_CHARS} characters` }],
    }
  }
  let offset = 0
  let line = 1
  for (const piece of text.split(SEPARATOR)) {
    const start = piece.search(/\S/)
    if (start >= 0) {
      const at = { line: line + lineFeeds(piece.slice(0, start)), offset: offset + start }
      const outcome = attempt(piece, read)
      if (typeof outcome === 'string') errors.push({ ...at, message: outcome })
      else records.push(outcome.record)
    }
    offset += piece.length + SEPARATOR.length
    line += lineFeeds(piece) + 1
  }
  return { records, errors }
}

function attempt<T>(text: string, read: GoReader<T>): { record: T } | string {
  try {
    return { record: readGoJson(text, read) }
  } catch (error) {
    if (error instanceof WireError) return error.message
    throw error
  }
}

function lineFeeds(text: string): number {
  let count = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1
  return count
}
