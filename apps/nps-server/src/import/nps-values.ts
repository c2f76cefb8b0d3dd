import type { NpsFlow, NpsTarget } from '@sluice/wire/npc'
import type { PlainLogin } from '../manager-inputs.ts'
import { ANY_HOST, type FlowLimits, type FlowTotals } from '../records.ts'

// Values of the files of nps, as we have them.

const KIB = 1024
const MIB = 1024 * 1024
/** Beyond it, ids are no ids but mistakes, and would leave no room for others. */
const MAX_ID = 1_000_000_000

/** An object without the keys that are undefined. */
export const given = <T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as never

/** What is not above 0 is no limit there. */
const above0 = (amount: number, unit = 1): number | undefined => {
  const value = amount * unit
  return amount > 0 && Number.isSafeInteger(value) ? value : undefined
}

export const count = (amount: number): number | undefined => above0(amount)

/** @param rate KiB a second, both directions together @param quota MiB in all */
export const limitsOf = (limits: { rate?: number; quota?: number; connections?: number }): FlowLimits => {
  const { rate = 0, quota = 0, connections = 0 } = limits
  const total = above0(rate, KIB)
  return given({
    total,
    quotaBytes: above0(quota, MIB),
    connections: above0(connections),
  })
}

/** What is below 0 was never counted. */
export const flowOf = ({ InletFlow, ExportFlow }: NpsFlow): FlowTotals => ({
  inlet: Math.max(0, InletFlow),
  export: Math.max(0, ExportFlow),
})

export const wishOf = (id: number): number | undefined => (id > 0 && id <= MAX_ID ? id : undefined)

/** Who has no name or no password there is not asked for either. */
export const loginOf = (name: string, password: string): PlainLogin | undefined =>
  name === '' || password === '' ? undefined : { name, password }

export const linesOf = (text: string): string[] =>
  text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '')

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Text as somebody has typed it: nps keeps what its pages are told as HTML, `&lt;` for `<`. */
export const plainOf = (stored: string): string =>
  stored.replaceAll(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(amp|lt|gt|quot|apos));/gi, (entity, ...found) => {
    const [decimal, hex, name] = found as (string | undefined)[]
    if (name !== undefined) return NAMED[name] ?? entity
    const code = decimal === undefined ? Number.parseInt(hex!, 16) : Number(decimal)
    return isText(code) ? String.fromCodePoint(code) : entity
  })

/** Not beyond Unicode, no half of a pair, and nothing that steers a terminal. */
const isText = (code: number): boolean =>
  code <= 0x10ffff && !/[\p{Cc}\p{Cs}]/u.test(String.fromCodePoint(code))

/** @param old where releases before had it */
export const targetsOf = ({ TargetStr, TargetArr }: NpsTarget, old = ''): string[] => {
  const lines = linesOf(TargetStr)
  if (lines.length > 0) return lines
  return TargetArr.length > 0 ? [...TargetArr] : linesOf(old)
}

/** `Name:value` each; undefined: there is one without a colon. */
export const headersOf = (lines: readonly string[]): [name: string, value: string][] | undefined => {
  const headers = lines.map((line): [string, string] => {
    const at = line.indexOf(':')
    return [line.slice(0, Math.max(0, at)).trim(), line.slice(at + 1).trim()]
  })
  return headers.some(([name]) => name === '') ? undefined : headers
}

/** undefined: never; NaN: it cannot be read. Without a zone it is this machine's. */
export const timeOf = (text: string): number | undefined => {
  if (text === '' || text.startsWith('0001-01-01')) return undefined
  const plain = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text)
  if (plain === null) return Number.NaN
  const [, day = '', time = '00:00:00', zone = ''] = plain
  return new Date(`${day}T${time.replace(/(\.\d{3})\d+/, '$1')}${zone}`).getTime()
}

/** Where nps listens that says nothing: at all addresses. Here a tunnel without a host is on loopback alone. */
export const bindOf = (ip: string): string => (ip === '' ? ANY_HOST : ip)
