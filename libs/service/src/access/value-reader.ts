import { nearest } from '../nearest.ts'

/** What is wrong with a value, behind the path to it: `[2].port: unknown key, did you mean ports?`. */
export type Problems = string[]

/** A value of a file, read; undefined, and at least one problem, where it cannot be. */
export type Reader<T> = (value: unknown, path: string, problems: Problems) => T | undefined

/** Reads one value. `parse` gives undefined for what is none. */
export const reader =
  <T>(wanted: string, parse: (value: unknown) => T | undefined): Reader<T> =>
  (value, path, problems) => {
    const parsed = parse(value)
    if (parsed === undefined) problems.push(`${path}: ${shown(value)} is not ${wanted}`)
    return parsed
  }

/** One or several values, written as a list, or as itself where there is one. */
export const listOf =
  <T>(item: Reader<T>): Reader<readonly T[]> =>
  (value, path, problems) => {
    if (!Array.isArray(value)) {
      const only = item(value, path, problems)
      return only === undefined ? undefined : [only]
    }
    if (value.length === 0)
      problems.push(`${path}: empty, wanted at least one value, or no ${path.split('.').at(-1)}`)
    const items = value.map((each, i) => item(each, `${path}[${i}]`, problems))
    return items.filter((each) => each !== undefined)
  }

/** Reads an object whose keys are those of `readers`, and says which one an unknown key is near. */
export const objectOf =
  <T extends object>(
    wanted: string,
    readers: { readonly [K in keyof T]-?: Reader<NonNullable<T[K]>> },
  ): Reader<Partial<T>> =>
  (value, path, problems) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      problems.push(`${path}: ${shown(value)} is not ${wanted}`)
      return undefined
    }
    const known = new Map<string, Reader<unknown>>(Object.entries(readers))
    const read: [string, unknown][] = []
    for (const [key, each] of Object.entries(value)) {
      const at = `${path}.${key.slice(0, 80)}`
      const readValue = known.get(key)
      if (readValue === undefined) problems.push(`${at}: unknown key${hint(key, [...known.keys()])}`)
      else read.push([key, readValue(each, at, problems)])
    }
    return Object.fromEntries(read.filter(([, each]) => each !== undefined)) as Partial<T>
  }

/** What somebody may have meant who wrote `key`, or what there is. */
export const hint = (key: string, known: readonly string[]): string => {
  const meant = nearest(key, known)
  return meant === undefined ? `, wanted one of ${known.join(', ')}` : `, did you mean ${meant}?`
}

/** A value for an error message, short. */
export const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 80)

/** A text that `test` takes. */
export const textOf = (wanted: string, test: (text: string) => boolean): Reader<string> =>
  reader(wanted, (value) => (typeof value === 'string' && test(value) ? value : undefined))

/** One of a few words. */
export const wordOf = <T extends string>(words: readonly T[]): Reader<T> =>
  reader(`one of ${words.join(', ')}`, (value) => words.find((word) => word === value))
