import { textType } from '@sluice/service'
import type { PortRange } from '@sluice/net'
import { type Address, parseAddress } from '@sluice/wire'
import { z } from 'zod'

/** Where npc is expected, and whether inside of TLS. */
export interface NpcBridgeAddress {
  readonly address: Address
  readonly tls: boolean
}

const TLS = 'tls://'

export const npcBridge: ReturnType<typeof textType<NpcBridgeAddress>> = textType(
  '[tls://]HOST:PORT',
  'HOST:PORT or tls://HOST:PORT, such as 0.0.0.0:8024',
  (written) => {
    const tls = written.startsWith(TLS)
    return { address: parseAddress(tls ? written.slice(TLS.length) : written), tls }
  },
)

/** A key that guards as much as a password does. */
export const apiKey: ReturnType<typeof textType<string>> = textType(
  'KEY',
  'a text of 16 to 256 characters',
  (written) => {
    if (!/^[\x21-\x7e]{16,256}$/.test(written)) throw new RangeError('no key')
    return written
  },
)

const rangeOf = (written: string): PortRange | undefined => {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(written) ?? []
  const range = { first: Number(first), last: Number(last) }
  return range.first >= 1 && range.first <= range.last && range.last <= 65_535 ? range : undefined
}

/** Ports and ranges of them, such as `80,443,20000-29999`. */
export const portRanges: z.ZodType<PortRange[], string | string[]> = z
  .union([z.array(z.string()).max(1000), z.string().transform((value) => value.split(','))])
  .transform((values, context) => {
    const ranges = values.map((value) => rangeOf(value.trim()))
    if (!ranges.includes(undefined)) return ranges.filter((range) => range !== undefined)
    context.addIssue({ code: 'custom', message: 'no ports' })
    return z.NEVER
  })
  .meta({ placeholder: 'RANGES', wanted: 'ports from 1 to 65535, such as 443,20000-29999', list: true })

export const isAmong = (ranges: readonly PortRange[], port: number): boolean =>
  ranges.some(({ first, last }) => first <= port && port <= last)
