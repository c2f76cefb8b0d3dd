import { z } from 'zod'

/**
 * A schema whose values are `T`: one object, one level. What a key is called and what it means stands in the `.meta()`
 * of its type, see `OptionMeta`. A key that may be missing has the type `… | undefined`.
 */
export type ConfigSchema<T> = z.ZodObject<{ [K in keyof T]: z.ZodType<T[K]> }>

export type Source = 'flag' | 'env' | 'file'

/** `z.string().meta({ … })` */
export interface OptionMeta {
  /** One sentence for the help and the documentation, without a full stop. */
  description?: string | undefined
  /** The flag without its dashes, where it is not the key in kebab-case (`graceMs` is `--grace`). */
  flag?: string
  /** Another environment variable that is read, if the usual one is not set. */
  env?: string
  /** Where the value may come from; everywhere by default. From nowhere: the default stands, and nobody is told of it. */
  from?: readonly Source[]
  /** Printed as `***`. */
  secret?: boolean
  /** Where a part of it is secret: the value as it was written, without that part. Errors show nothing of it. */
  redact?: (written: unknown) => unknown
  /** What stands after the flag in the help, such as HOST:PORT. */
  placeholder?: string
  /** What an error says was wanted. */
  wanted?: string
  /** The heading that the help lists it under, such as `limits`. */
  group?: string
  /** Has values inside, and errors that say themselves where: their messages stand right behind the key's name. */
  nested?: boolean
  /** Takes several values, separated by commas; given twice, they add up. */
  list?: boolean
  /** Changes while the program runs; others want a restart. */
  live?: boolean
}

/** One key of a schema, as flags, environment, files, help and documentation see it. */
export interface Option {
  key: string
  flag: string
  /** Environment variables in order of precedence. */
  env: readonly string[]
  inFile: boolean
  onCommandLine: boolean
  boolean: boolean
  list: boolean
  nested: boolean
  secret: boolean
  /** What may be printed of a value as it was written. */
  redact: (written: unknown) => unknown
  live: boolean
  placeholder: string
  /** All that the value can be, where that is a list. */
  choices: readonly string[]
  wanted: string
  description: string
  group: string
  /** As it would be written; undefined where there is none. */
  default: unknown
}

/** The keys of a schema in its order. */
export function optionsOf(schema: z.ZodObject): Option[] {
  return Object.entries(schema.shape)
    .map(([key, type]): [string, Unwrapped] => [key, unwrap(type)])
    .filter(([, { meta }]) => meta.from?.length !== 0)
    .map(([key, unwrapped]) => option(key, unwrapped))
}

function option(key: string, { meta, type, fallback }: Unwrapped): Option {
  const flag = meta.flag ?? key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  const from = meta.from ?? ['flag', 'env', 'file']
  const choices = type instanceof z.ZodEnum ? type.options.map(String) : undefined
  const isBoolean = type instanceof z.ZodBoolean
  return {
    key,
    flag,
    env: from.includes('env') ? [envName(flag), ...(meta.env === undefined ? [] : [meta.env])] : [],
    inFile: from.includes('file'),
    onCommandLine: from.includes('flag'),
    boolean: isBoolean,
    list: meta.list ?? type instanceof z.ZodArray,
    nested: meta.nested ?? false,
    secret: meta.secret ?? meta.redact !== undefined,
    redact: meta.redact ?? (meta.secret ? (): string => '***' : asWritten),
    choices: choices ?? [],
    live: meta.live ?? false,
    placeholder: isBoolean ? '' : (meta.placeholder ?? choices?.join('|') ?? 'TEXT'),
    wanted:
      meta.wanted ?? (isBoolean ? 'true or false' : choices ? `one of ${choices.join(', ')}` : 'a text'),
    description: meta.description ?? '',
    group: meta.group ?? 'flags',
    default: fallback,
  }
}

const asWritten = (written: unknown): unknown => written

const envName = (flag: string): string => `SLUICE_${flag.replaceAll('-', '_').toUpperCase()}`

interface Unwrapped {
  meta: OptionMeta
  type: unknown
  fallback: unknown
}

/** Looks through optional() and default(); what is said further out counts. */
function unwrap(type: unknown): Unwrapped {
  const own: OptionMeta = type instanceof z.ZodType ? (type.meta() ?? {}) : {}
  if (type instanceof z.ZodPrefault || type instanceof z.ZodDefault) {
    const inner = unwrap(type.def.innerType)
    return { ...inner, meta: { ...inner.meta, ...own }, fallback: type.def.defaultValue }
  }
  if (type instanceof z.ZodOptional) {
    const inner = unwrap(type.def.innerType)
    return { ...inner, meta: { ...inner.meta, ...own } }
  }
  return { meta: own, type, fallback: undefined }
}
