import type { Limits, OwnedUser } from '@sluice/userstore'
import { SS_METHOD_NAMES, ssKey, ssMethod, type SsMethod } from '@sluice/wire/shadowsocks'

/** A field of a row that cannot be: which one, and what was wanted. Never what was there, it may be a secret. */
export class RowError extends Error {
  override readonly name = 'RowError'
  readonly code = 'ROW_INVALID'
  readonly field: string
  readonly wanted: string

  constructor(field: string, wanted: string) {
    super(`${field}: wanted ${wanted}`)
    this.field = field
    this.wanted = wanted
  }
}

type Row = Readonly<Record<string, unknown>>

interface Field<T> {
  readonly wanted: string
  read(value: unknown): T | undefined
}

const DIGITS = /^\d{1,16}$/

/** As a number, or as a text of digits: panels in languages without types write both. */
const whole = (min: number, max: number, wanted: string): Field<number> => ({
  wanted,
  read: (value) => {
    const number = typeof value === 'string' && DIGITS.test(value) ? Number(value) : value
    const isGood = Number.isSafeInteger(number) && Number(number) >= min && Number(number) <= max
    return isGood ? Number(number) : undefined
  },
})

const ID = whole(0, Number.MAX_SAFE_INTEGER, 'a whole number')
const PORT = whole(1, 65_535, 'a port, 1 to 65535')
const SPEED = whole(0, Number.MAX_SAFE_INTEGER, 'whole bytes per second, 0 for no limit')
const SWITCH: Field<boolean> = {
  wanted: 'true or false',
  read: (value) => {
    if (value === true || value === 1) return true
    return value === false || value === 0 ? false : undefined
  },
}
const METHOD: Field<SsMethod> = {
  wanted: `one of ${SS_METHOD_NAMES.join(', ')}`,
  read: (value) => (typeof value === 'string' && value.length <= 64 ? ssMethod(value) : undefined),
}
const PASSWORD: Field<string> = {
  wanted: 'a text of 1 to 1024 characters',
  read: (value) =>
    typeof value === 'string' && value.length > 0 && value.length <= 1024 ? value : undefined,
}
const PROTOCOL: Field<string> = {
  wanted: 'ss',
  read: (value) => (value === 'ss' || value === 'shadowsocks' ? value : undefined),
}

/** What a field says; `fallback` where there is none. */
const take = <T, F extends T | undefined>(row: Row, name: string, field: Field<T>, fallback: F): T | F => {
  const value = row[name] ?? undefined
  return value === undefined ? fallback : need(row, name, field)
}

const need = <T>(row: Row, name: string, field: Field<T>): T => {
  const read = field.read(row[name])
  if (read === undefined) throw new RowError(name, field.wanted)
  return read
}

/** The user's key within the source, where the row has one. */
export const rowKey = (row: unknown): string | undefined => {
  const id = isRow(row) ? ID.read(row['user_id']) : undefined
  return id === undefined ? undefined : String(id)
}

/**
 * A user as `userconfigs.json` and panels write them: `user_id`, `port`, `method`, `password`, `enable` (true unless it
 * says no) and `speed_limit` (bytes per second, each direction apart; 0 or none is no limit). Other keys mean nothing.
 * @param sharedPort of a row without a port; a user without either is on the node's shared port
 * @throws RowError
 */
export const ownedUser = (row: unknown, sharedPort?: number): OwnedUser => {
  if (!isRow(row)) throw new RowError('user', 'an object')
  const key = String(need(row, 'user_id', ID))
  take(row, 'protocol', PROTOCOL, undefined)
  const port = take(row, 'port', PORT, sharedPort)
  const method = need(row, 'method', METHOD)
  const secret = need(row, 'password', PASSWORD)
  checkKey(method, secret)
  return {
    key,
    enabled: take(row, 'enable', SWITCH, true),
    limits: limitsOf(take(row, 'speed_limit', SPEED, 0)),
    credentials: [{ kind: 'ss', ...(port !== undefined && { port }), method: method.name, secret }],
  }
}

const limitsOf = (speed: number): Limits => (speed === 0 ? {} : { up: speed, down: speed })

/** Any text is a password of the older methods; of the others it is the key itself. */
const checkKey = (method: SsMethod, secret: string): void => {
  if (method.kind !== '2022') return
  try {
    ssKey(method, secret)
  } catch {
    throw new RowError('password', `a key of ${method.keyBytes} bytes in Base64, as ${method.name} takes it`)
  }
}

const isRow = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
