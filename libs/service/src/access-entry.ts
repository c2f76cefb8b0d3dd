import type { Address } from '@sluice/wire'
import { type Code, OUTCOMES } from './errors.ts'

/** What a client asked for and what came of it: a whole tunnel, or one HTTP exchange. */
export interface AccessEntry {
  /** What everybody calls it, where it has a name. */
  readonly id?: string | undefined
  /** When it was over, ms since 1970. */
  readonly at: number
  /** How long it took. */
  readonly ms: number
  readonly door: string
  readonly client: Address
  readonly user: string | undefined
  /** CONNECT for a tunnel of whatever protocol; undefined where the client did not come so far. */
  readonly method: string | undefined
  /** `host:port` of a tunnel, the URL of an exchange. */
  readonly url: string | undefined
  /** What the client was told, in words of HTTP. */
  readonly status: number
  readonly code: Code
  /** Payload bytes, as they count for the user. */
  readonly up: number
  readonly down: number
  /** The address that was connected to. */
  readonly peer: string | undefined
  /** The upstream that led there, where there was one. */
  readonly upstream?: string | undefined
  /** Media type of a response. */
  readonly type?: string | undefined
}

export const ACCESS_FORMATS = ['json', 'squid'] as const
export type AccessFormat = (typeof ACCESS_FORMATS)[number]

/** An entry as one line with its line break. */
export const accessLine = (entry: AccessEntry, format: AccessFormat): string =>
  format === 'json' ? jsonLine(entry) : squidLine(entry)

const jsonLine = ({
  id,
  at,
  door,
  user,
  client,
  method,
  url,
  status,
  code,
  up,
  down,
  ms,
  peer,
  upstream,
  type,
}: AccessEntry): string =>
  `${JSON.stringify({ time: at, id, door, user, client: endpoint(client), method, url, status, code, up, down, ms, peer, upstream, type })}\n`

/**
 * Squid's own format, `logformat squid`: `%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt`. What Squid calls
 * a tunnel's size are the bytes towards the client.
 */
const squidLine = (entry: AccessEntry): string => {
  const { at, ms, client, user, method, status, code, down, peer, upstream, type } = entry
  const url = entry.url ?? `error:${code.toLowerCase().replaceAll('_', '-')}`
  return `${[
    (at / 1000).toFixed(3),
    String(ms).padStart(6),
    client.host || '-',
    `${resultOf(entry)}/${String(status).padStart(3, '0')}`,
    down,
    word(method),
    word(url),
    word(user),
    peer === undefined
      ? 'HIER_NONE/-'
      : `${upstream === undefined ? 'HIER_DIRECT' : 'FIRSTUP_PARENT'}/${peer}`,
    word(type?.split(/[;\s]/, 1)[0]),
  ].join(' ')}\n`
}

const DENIED = new Set([403, 407, 429])

/** Squid's result code, from those that fit a proxy without a cache. */
const resultOf = ({ code, status, method }: AccessEntry): string => {
  if (code !== 'OK' && status >= 400 && DENIED.has(OUTCOMES[code].http)) return 'TCP_DENIED'
  if (method === undefined) return 'NONE_NONE'
  const result = method === 'CONNECT' ? 'TCP_TUNNEL' : 'TCP_MISS'
  if (code === 'OK' || status >= 400) return result
  return code === 'IDLE_TIMEOUT' ? `${result}_TIMEDOUT` : `${result}_ABORTED`
}

/** One field: blanks and all that is not printable ASCII as percent signs, since readers split at blanks. */
const word = (text: string | undefined): string =>
  text === undefined || text === ''
    ? '-'
    : text.replaceAll(/[^!-~]/gu, (char) =>
        Array.from(Buffer.from(char), (byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join(
          '',
        ),
      )

/** `host:port`, IPv6 in brackets. */
export const endpoint = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
