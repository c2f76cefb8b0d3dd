import { hostname } from 'node:os'
import { loadConfig, type UserLink } from '@sluice/service'
import { type Address, formatAddress } from '@sluice/wire'
import { operands } from './argv.ts'
import { schema } from './config.ts'

const TARGET = 'https://example.com/'

/** Listeners by what a client is told: `tls` only where there is one. */
export interface Listeners {
  readonly proxy: Address
  readonly tls?: Address | undefined
}

/** Listening there is listening on every interface, and no address to connect to. */
const WILDCARDS = new Set(['0.0.0.0', '::'])

/** Every scheme that a client can be given, with name and password, in the order to try them. */
export const proxyUrls = (
  name: string,
  password: string,
  { proxy, tls }: Listeners,
): Record<string, string> => {
  const login = `${encoded(name)}:${encoded(password)}`
  return {
    http: `http://${login}@${reachable(proxy)}`,
    ...(tls && { https: `https://${login}@${reachable(tls)}` }),
  }
}

/** Lines for a shell: through the proxy, and by the API. */
export const curlLines = (name: string, password: string, listeners: Listeners): string[] => {
  const lines = Object.values(proxyUrls(name, password, listeners)).map(
    (url) => `curl --proxy '${url}' ${TARGET}`,
  )
  const login = `${encoded(name)}:${encoded(password)}`
  const api = `http://${login}@${reachable(listeners.proxy)}/v1/requests`
  return [...lines, `curl --json '{"url":"${TARGET}"}' '${api}'`]
}

export interface GetLineOptions {
  /** How the program is called, such as `node apps/https-proxy/dist/main.mjs`. */
  readonly program: string
  readonly name: string
  readonly password: string
  readonly proxy: Address
}

/** A line for a shell that has the program's own client ask. */
export const getLine = ({ program, name, password, proxy }: GetLineOptions): string => {
  const { host, port } = WILDCARDS.has(proxy.host) ? { ...proxy, host: hostname() } : proxy
  return `SLUICE_PASSWORD=${quoted(password)} ${program} get ${TARGET} GET ${host} ${port} --user ${quoted(name)}`
}

/** What `user link` prints; `argv` are flags of the server, for the addresses that it listens on. */
export const link = (name: string, password: string, argv: readonly string[]): UserLink => {
  const { config } = loadConfig(schema, { argv, env: process.env, operands })
  const listeners = { proxy: config.listen, tls: config.tls }
  const urls = proxyUrls(name, password, listeners)
  const curl = curlLines(name, password, listeners)
  // Programs read each for targets of its scheme only; curl reads http_proxy in lower case alone.
  const env = ['http', 'https'].map((scheme) => `export ${scheme}_proxy='${urls['http']}'`)
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

/** As one word of a POSIX shell. */
const quoted = (text: string): string =>
  /^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
