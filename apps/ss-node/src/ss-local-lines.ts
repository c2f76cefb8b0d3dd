import { encodeSsUri, type SsServer } from '@sluice/wire/shadowsocks'

const TARGET = 'https://example.com/'
/** Where ss-local listens unless it is told otherwise. */
const LOCAL_PORT = 1080

/** The URI of a server, then a line that runs ss-local as its client, and one that uses that, ready to paste into a shell. */
export const ssLocalLines = (server: SsServer): string[] => {
  const { method, secret, address } = server
  const flags = [
    ...['-s', quoted(address.host), '-p', address.port],
    ...['-m', quoted(method), '-k', quoted(secret), '-l', LOCAL_PORT, '-u'],
  ]
  return [
    encodeSsUri(server),
    `ss-local ${flags.join(' ')}`,
    `curl --proxy 'socks5h://127.0.0.1:${LOCAL_PORT}' ${TARGET}`,
  ]
}

/** As one word of a POSIX shell. */
const quoted = (text: string): string =>
  /^[\w.:-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
