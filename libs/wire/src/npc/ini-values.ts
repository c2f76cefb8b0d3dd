import type { IniReader } from './ini.ts'

/** Both ends included. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

export const iniText: IniReader<string> = (value) => ({ value })

export const iniFlag: IniReader<boolean> = (value) => {
  if (/^(1|t|true|y|yes|on)$/i.test(value)) return { value: true }
  if (/^(0|f|false|n|no|off)$/i.test(value)) return { value: false }
  return 'neither true nor false'
}

/** At most 2^53 - 1. */
export const iniCount: IniReader<number> = (value) => {
  const count = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN
  return Number.isSafeInteger(count) ? { value: count } : 'no whole number'
}

/** 0 stands for none. */
export const iniPort: IniReader<number> = (value) => {
  const port = portOf(value)
  return port === undefined ? 'no port' : { value: port }
}

/** `9001-9009,10001`. */
export const iniPorts: IniReader<readonly PortRange[]> = (value) => {
  const ranges: PortRange[] = []
  for (const part of commaList(value)) {
    const [first, last = first] = part.split('-').map((port) => portOf(port.trim()))
    if (first === undefined || last === undefined || last < first || part.split('-').length > 2)
      return 'no list of ports'
    ranges.push({ first, last })
  }
  return { value: ranges }
}

export const iniList: IniReader<readonly string[]> = (value) => ({ value: commaList(value) })

const commaList = (value: string): string[] =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

function portOf(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 65_536
  return port > 65_535 ? undefined : port
}
