import type { Decode } from '@sluice/wire'

/** Who answers a client: the proxy that forwards and tunnels, or the server of the API, in HTTP/1.1 or HTTP/2. */
export type WayIn = 'forward' | 'api' | 'api2'

/** RFC 9113 §3.4: no request line of HTTP/1 begins so. */
const PREFACE = 'PRI * '
const HTTPS = 'https://'
/** Of a request line whose method is no longer than anybody's; more need not be looked at. */
const MOST = 32 + HTTPS.length

/**
 * What the beginning of a request line tells (RFC 9112 §3.2): origin-form and `https:` go to the API, everything else, be it
 * nonsense, to the proxy, which has words for it.
 * @returns the way in, of size 0: all of it stays unread
 */
export const wayIn: Decode<WayIn> = (bytes) => {
  const line = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, MOST)).toString('latin1')
  const value = wayOf(line) ?? (line.length < MOST ? undefined : 'forward')
  return value && { value, size: 0 }
}

/** @returns undefined where there has to be more of it */
const wayOf = (line: string): WayIn | undefined => {
  if (line.startsWith(PREFACE)) return 'api2'
  if (PREFACE.startsWith(line)) return undefined
  const space = line.indexOf(' ')
  if (space < 0) return line.includes('\n') ? 'forward' : undefined
  if (line.startsWith('CONNECT ')) return 'forward'
  const target = line.slice(space + 1).toLowerCase()
  if (target.startsWith('/') || target.startsWith(HTTPS)) return 'api'
  return HTTPS.startsWith(target) ? undefined : 'forward'
}
