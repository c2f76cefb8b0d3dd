import { WireError } from '../wire-error.ts'

// Go's encoding/json as the other side reads and writes it: a key that is missing or null is the zero of its type, keys that
// nobody knows are passed over, and numbers without a fraction are int64.

/** Reads one value; `key` is for the message of the error, which never repeats what stood there. */
export type GoReader<T> = (value: unknown, key: string) => T

/** @throws WireError WIRE_SYNTAX when `text` is not JSON, WIRE_VALUE as the reader has it */
export function readGoJson<T>(text: string, read: GoReader<T>): T {
  return read(parsed(text), '')
}

export const goText: GoReader<string> = (value, key) => {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  throw wrong(key, 'a text')
}

export const goBoolean: GoReader<boolean> = (value, key) => {
  if (value === undefined || value === null) return false
  if (typeof value === 'boolean') return value
  throw wrong(key, 'true or false')
}

/** From -(2^53 - 1) to 2^53 - 1. */
export const goInteger: GoReader<number> = (value, key) => {
  if (value === undefined || value === null) return 0
  // Not -0, which no integer is.
  if (Number.isSafeInteger(value)) return (value as number) + 0
  throw wrong(key, 'a whole number')
}

export function goList<T>(read: GoReader<T>): GoReader<readonly T[]> {
  return (value, key) => {
    if (value === undefined || value === null) return []
    if (!Array.isArray(value)) throw wrong(key, 'a list')
    return value.map((item, index) => read(item, `${key}[${index}]`))
  }
}

/** A map with texts as keys. */
export function goMap<T>(read: GoReader<T>): GoReader<ReadonlyMap<string, T>> {
  return (value, key) =>
    new Map(Object.entries(asObject(value, key)).map(([name, item]) => [name, read(item, `${key}{}`)]))
}

/** A struct; a missing one has the zeros of all its fields. */
export function goStruct<T extends object>(fields: { readonly [K in keyof T]: GoReader<T[K]> }): GoReader<T> {
  const readers = Object.entries(fields) as [string, GoReader<unknown>][]
  return (value, key) => {
    const object = asObject(value, key)
    const prefix = key === '' ? '' : `${key}.`
    return Object.fromEntries(readers.map(([name, read]) => [name, read(object[name], prefix + name)])) as T
  }
}

/** What `goMap` gives, as `JSON.stringify` takes it. */
export function plainMap<T>(map: ReadonlyMap<string, T>): Record<string, T> {
  return Object.fromEntries(map)
}

type Unknowns = Readonly<Record<string, unknown>>

function asObject(value: unknown, key: string): Unknowns {
  if (value === undefined || value === null) return {}
  if (typeof value === 'object' && !Array.isArray(value)) return value as Unknowns
  throw wrong(key, 'an object')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new WireError('WIRE_SYNTAX', 'a text that is not JSON')
  }
}

const wrong = (key: string, what: string): WireError =>
  new WireError('WIRE_VALUE', `${key === '' ? 'the value' : key} is not ${what}`)
