import { WireError } from '../wire-error.ts'

const CONTROL = /\p{Cc}/u

/** Reads the members of one JSON object; those that nobody asks for are not looked at. */
export class JsonFields {
  readonly #members: Readonly<Record<string, unknown>>

  /** @throws WireError WIRE_SYNTAX where `json` is no object */
  constructor(json: string | object) {
    const value: unknown = typeof json === 'string' ? parse(json) : json
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new WireError('WIRE_SYNTAX', 'no JSON object')
    }
    this.#members = value as Readonly<Record<string, unknown>>
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#members, name)
  }

  /** Without control characters. @throws WireError WIRE_VALUE */
  text(name: string, maxLength: number): string {
    const value = this.#own(name)
    if (typeof value === 'string' && value.length <= maxLength && !CONTROL.test(value)) return value
    throw new WireError('WIRE_VALUE', `${name} is no text of up to ${maxLength} characters`)
  }

  /** A whole number. @throws WireError WIRE_VALUE */
  whole(name: string, min: number, max: number): number {
    const value = this.#own(name)
    if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) {
      return value as number
    }
    throw new WireError('WIRE_VALUE', `${name} is no whole number from ${min} to ${max}`)
  }

  /** @throws WireError WIRE_VALUE, WIRE_SYNTAX */
  object(name: string): JsonFields {
    const value = this.#own(name)
    if (typeof value === 'object' && value !== null) return new JsonFields(value)
    throw new WireError('WIRE_VALUE', `${name} is no object`)
  }

  #own(name: string): unknown {
    return Object.hasOwn(this.#members, name) ? this.#members[name] : undefined
  }
}

const parse = (json: string): unknown => {
  try {
    return JSON.parse(json)
  } catch {
    throw new WireError('WIRE_SYNTAX', 'no JSON')
  }
}
