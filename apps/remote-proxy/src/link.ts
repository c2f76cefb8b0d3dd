import { hostname } from 'node:os'
import { loadConfig, type UserLink } from '@sluice/service'
import { type Address, formatAddress } from '@sluice/wire'
import { schema } from './config.ts'

const TARGET = 'https://example.com/'
/** Is forwarded, and needs no tunnel. */
const PLAIN = 'http://example.com/'

/** Listeners by what a client is told: `tls` only where there is one. */
export type Listeners = Record<'socks' | 'http', Address> & { readonly tls?: Address | undefined }

/** Listening there is listening on every interface, and no address to connect to. */
const WILDCARDS = new Set(['0.0.0.0', '::'])

/** Every scheme that a client can be given, with name and password, in the order to try them. */
export const proxyUrls = (
  name: string,
  password: string,
  { socks, http, tls }: Listeners,
): Record<string, string> => {
  const login = `${encoded(name)}:${encoded(password)}`
  return {
    socks5h: `socks5h://${login}@${reachable(socks)}`,
    http: `http://${login}@${reachable(http)}`,
    ...(tls && { https: `https://${login}@${reachable(tls)}` }),
  }
}

/** One curl line for each protocol, ready to paste into a shell. */
export const curlLines = (name: string, password: string, listeners: Listeners): string[] => {
  const urls = proxyUrls(name, password, listeners)
  const lines = Object.values(urls).map((url) => `curl --proxy '${url}' ${TARGET}`)
  // Its user id is name and password; curl would send what stands before a colon and no more.
  const socks4 = `socks4a://${encoded(`${name}:${password}`)}@${reachable(listeners.socks)}`
  return [...lines, `curl --proxy '${urls['http']}' ${PLAIN}`, `curl --proxy '${socks4}' ${TARGET}`]
}

/** What `user link` prints; `argv` are flags of the server, for the addresses that it listens on. */
export const link = (name: string, password: string, argv: readonly string[]): UserLink => {
  const { config } = loadConfig(schema, { argv, env: process.env })
  const urls = proxyUrls(name, password, config)
  const curl = curlLines(name, password, config)
  // Programs read each for targets of its scheme only, all_proxy for the rest; curl reads http_proxy in lower case alone.
  const env = ['http', 'https'].map((scheme) => `export ${scheme}_proxy='${urls['http']}'`)
  env.push(`export all_proxy='${urls['socks5h']}'`)
  return { urls, json: { curl, env }, lines: [...Object.values(urls), '', ...curl, '', ...env] }
}

const reachable = (address: Address): string =>
  formatAddress(WILDCARDS.has(address.host) ? { ...address, host: hostname() } : address)

/** RFC 3986 §2.2: nothing is left that a URL or a shell's quotes could take for their own. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )
