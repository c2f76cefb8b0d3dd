import { SESSION_MS } from './sessions.ts'

const NAME = 'sluice-session'
const WRITTEN = new RegExp(String.raw`(?:^|;)\s*${NAME}=([\w-]{43})\s*(?:;|$)`)

/** Of the header Cookie (RFC 6265); '' where there is none. */
export const readCookie = (header = ''): string => WRITTEN.exec(header)?.[1] ?? ''

/**
 * For the header Set-Cookie.
 * @param value '' takes it away @param isSecure the browser came over TLS
 */
export const writeCookie = (value: string, isSecure: boolean): string => {
  const life = value === '' ? 0 : SESSION_MS / 1000
  const cookie = `${NAME}=${value}; Path=/v1; Max-Age=${life}; HttpOnly; SameSite=Strict`
  return isSecure ? `${cookie}; Secure` : cookie
}
