import {
  type Address,
  type Credentials,
  encodeBasic,
  encodeUserPass,
  formatAddress,
  parseHost,
} from '@sluice/wire'

/** One proxy on the way to a target. */
export interface Hop {
  readonly protocol: 'http' | 'socks5'
  /** TLS around it. */
  readonly isSecure: boolean
  readonly address: Address
  readonly credentials: Credentials | undefined
  /** Scheme and address, for logs: never the credentials. */
  readonly label: string
}

const SCHEMES: Readonly<Record<string, Pick<Hop, 'protocol' | 'isSecure'> & { readonly port: number }>> = {
  'http:': { protocol: 'http', isSecure: false, port: 80 },
  'https:': { protocol: 'http', isSecure: true, port: 443 },
  'socks5:': { protocol: 'socks5', isSecure: false, port: 1080 },
  'socks5h:': { protocol: 'socks5', isSecure: false, port: 1080 },
  'socks5s:': { protocol: 'socks5', isSecure: true, port: 1080 },
}
const MAX_URL_LENGTH = 2048
/** Nothing but scheme, credentials and authority. */
const FORM = /^[a-z0-9]+:\/\/[^/?#\\]+\/?$/i

/**
 * Reads `SCHEME://[USER[:PASSWORD]@]HOST[:PORT]`, SCHEME being http, https, socks5 (or socks5h, as curl says) or
 * socks5s. Credentials are percent-encoded where they have to be.
 * @throws RangeError, which does not repeat the text: it may hold a password
 */
export const parseUpstreamUrl = (text: string): Hop => {
  if (text.length > MAX_URL_LENGTH || !FORM.test(text)) throw wrong()
  try {
    const url = new URL(text)
    const { port: usual, ...scheme } = SCHEMES[url.protocol]!
    const host = parseHost(url.hostname.replace(/^\[(.*)\]$/, '$1'))
    const address = { host, port: url.port === '' ? usual : Number(url.port) }
    const label = `${url.protocol}//${formatAddress(address)}`
    if (address.port === 0) throw wrong()
    return { ...scheme, address, label, credentials: credentialsOf(url, scheme.protocol) }
  } catch {
    throw wrong()
  }
}

const credentialsOf = (url: URL, protocol: Hop['protocol']): Credentials | undefined => {
  if (url.username === '' && url.password === '') return undefined
  const credentials = { username: decoded(url.username), password: decoded(url.password) }
  // What the protocol cannot carry is better known now.
  if (protocol === 'http') encodeBasic(credentials)
  else encodeUserPass(credentials)
  return credentials
}

const decoded = (text: string): Uint8Array => Buffer.from(decodeURIComponent(text))

const wrong = (): RangeError =>
  new RangeError('not the URL of a proxy, such as socks5://user:password@host:1080')

/** The text with `***` for every password that could be one, be it a URL or not. */
export const hidePassword = (text: string): string =>
  text.replace(/^((?:[a-z0-9]+:\/\/)?[^:@]*)(?::.*)?@/is, '$1:***@')
