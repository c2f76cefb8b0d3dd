import { isUserName, USER_NAME_MAX_BYTES } from './user.ts'

/** The longest name or password that is taken; what SOCKS5 can carry (RFC 1929 §2). */
export const SEED_TEXT_MAX_BYTES = 255

/** A row as SQLite gives it, its columns of any type: a column of the table need not hold what it was declared for. */
export interface RawSeedRow {
  row: bigint
  name: unknown
  password: unknown
  bandwidth: unknown
}

/** A user who can be imported. */
export interface SeedUser {
  /** Its rowid. */
  row: number
  name: string
  /** In clear. */
  password: string
  /** Bytes per second in both directions together; absent where the user has no limit of their own. */
  total?: number
}

/** A row that cannot be imported, and why. */
export interface SeedRefusal {
  row: number
  /** Empty where it has none, shortened where it is too long to be one. */
  name: string
  problem: string
}

export type SeedRow = SeedUser | SeedRefusal

const SHOWN_CHARS = 80

/** What a row of the table USER says. */
export function seedRow(raw: RawSeedRow): SeedRow {
  const row = Number(raw.row)
  const name = textOf(raw.name)
  const password = textOf(raw.password)
  const total = totalOf(raw.bandwidth)
  const refused = (problem: string): SeedRefusal => ({
    row,
    name: (name ?? '').slice(0, SHOWN_CHARS),
    problem,
  })
  if (name === undefined || !isUserName(name)) return refused(`USERNAME: ${NAME_WANTED}`)
  if (raw.password === null || password === '') return refused('PASSWORD: empty')
  if (password === undefined) return refused(`PASSWORD: ${PASSWORD_WANTED}`)
  if (total === undefined) return refused(`BANDWIDTH: ${BANDWIDTH_WANTED}`)
  return { row, name, password, ...(total > 0 && { total }) }
}

const NAME_WANTED = `wanted 1 to ${USER_NAME_MAX_BYTES} bytes of UTF-8 without colon, blank or control character`
const PASSWORD_WANTED = `wanted a text of 1 to ${SEED_TEXT_MAX_BYTES} bytes of UTF-8`
const BANDWIDTH_WANTED = 'wanted a whole number of bytes per second, 0 or more'

/** Whole numbers count as the text of their digits. Undefined: too long, no text, or not in UTF-8. */
function textOf(value: unknown): string | undefined {
  const text = typeof value === 'bigint' ? String(value) : value
  // SQLite checks no encoding, and what is none reads as U+FFFD, under which two names could become one.
  const isText = typeof text === 'string' && !text.includes('\ufffd')
  return isText && Buffer.byteLength(text) <= SEED_TEXT_MAX_BYTES ? text : undefined
}

/** 0 for no limit, undefined for what is no rate. */
function totalOf(value: unknown): number | undefined {
  if (value === null) return 0
  const isNumber = typeof value === 'bigint' || typeof value === 'number'
  const isDigits = typeof value === 'string' && /^\d{1,16}$/.test(value)
  const total = isNumber || isDigits ? Number(value) : Number.NaN
  return Number.isSafeInteger(total) && total >= 0 ? total : undefined
}
