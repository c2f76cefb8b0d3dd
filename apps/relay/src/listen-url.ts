import { type Address, formatAddress, parseAddress } from '@sluice/wire'
import { parseRelayUrl, type RelayAddress } from '@sluice/wire/relay'
import { z } from 'zod'

/** What a listener speaks; `any` is all of them, told apart by the first byte. */
export const DOORS = ['tcp', 'tls', 'ws', 'wss', 'any'] as const
export type DoorName = (typeof DOORS)[number]

export interface ListenUrl {
  readonly door: DoorName
  readonly address: Address
}

const URL = /^(tcp|tls|ws|wss|any):\/\/([^/]+)\/?$/
const MAX = 16

const parseListenUrl = (text: string): ListenUrl => {
  const [, door, place] = URL.exec(text) ?? []
  if (door === undefined || place === undefined) throw new RangeError('no listener')
  return { door: door as DoorName, address: parseAddress(place) }
}

export const formatListenUrl = ({ door, address }: ListenUrl): string => `${door}://${formatAddress(address)}`

/** Several, written as a list or with commas. */
const listOf = <T>(parse: (text: string) => T, wanted: string): z.ZodType<T[], string | string[]> =>
  z
    .union([z.array(z.string()).max(MAX), z.string().transform((value) => value.split(','))])
    .transform((values, context) => {
      try {
        return values.map((value) => parse(value.trim()))
      } catch {
        context.addIssue({ code: 'custom', message: wanted })
        return z.NEVER
      }
    })
    .meta({ placeholder: 'URL[,URL]', wanted, list: true })

export const listenUrls: z.ZodType<ListenUrl[], string | string[]> = listOf(
  parseListenUrl,
  'listeners, such as tls://0.0.0.0:443 or any://[::1]:8891',
)

export const relayUrls: z.ZodType<RelayAddress[], string | string[]> = listOf(
  parseRelayUrl,
  'addresses of this relay, such as tls://relay.example.org:443',
)
