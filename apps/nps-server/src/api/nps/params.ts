import { NpsRefusal } from './nps-refusal.ts'

const MAX_PARAMS = 100
const MAX_NUMBER = Number.MAX_SAFE_INTEGER

/** What a request says in its query and its form; of a name that is there twice the first one counts, that of the form. */
export class Params {
  readonly #values: ReadonlyMap<string, string>

  /** @throws NpsRefusal */
  constructor(query: string, form: string) {
    const values = new Map<string, string>()
    for (const [name, value] of [...new URLSearchParams(form), ...new URLSearchParams(query)]) {
      if (!values.has(name)) values.set(name, value)
      if (values.size > MAX_PARAMS) throw new NpsRefusal('too many parameters', 400)
    }
    this.#values = values
  }

  /** undefined: it is not there. */
  text(name: string): string | undefined {
    return this.#values.get(name)
  }

  /** A whole number; undefined: it is not there, or empty. @throws NpsRefusal */
  number(name: string): number | undefined {
    const text = this.text(name)
    if (text === undefined || text === '') return undefined
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
    if (value <= MAX_NUMBER) return value
    throw new NpsRefusal(`${name}: wanted a whole number`)
  }

  /** As Go has it; undefined: it is not there, or empty. @throws NpsRefusal */
  flag(name: string): boolean | undefined {
    const text = this.text(name)
    if (text === undefined || text === '') return undefined
    if (/^(?:1|t|true)$/i.test(text)) return true
    if (/^(?:0|f|false)$/i.test(text)) return false
    throw new NpsRefusal(`${name}: wanted true or false`)
  }

  /** @throws NpsRefusal where it is not there */
  id(name = 'id'): number {
    const id = this.number(name)
    if (id === undefined || id === 0) throw new NpsRefusal(`${name}: wanted an id`)
    return id
  }

  /** Lines without those that are empty; undefined: it is not there. */
  lines(name: string): string[] | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    return text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
  }

  /** All but `names`, in one order whatever the order in which they came. */
  without(...names: readonly string[]): string {
    const rest = [...this.#values].filter(([name]) => !names.includes(name))
    return JSON.stringify(rest.toSorted(([one], [other]) => (one < other ? -1 : 1)))
  }
}
