import { loadConfig } from '@sluice/service'
import { type Address, formatAddress } from '@sluice/wire'
import { schema } from './config.ts'

const TARGET = 'https://example.com/'

const single = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** One curl line for each protocol, ready to paste into a shell. */
export const curlLines = (
  name: string,
  password: string,
  { socks, http }: Record<'socks' | 'http', Address>,
): string[] => {
  const login = `${encodeURIComponent(name)}:${encodeURIComponent(password)}`
  return [
    `curl --proxy ${single(`socks5h://${login}@${formatAddress(socks)}`)} ${TARGET}`,
    `curl --proxy ${single(`http://${login}@${formatAddress(http)}`)} ${TARGET}`,
  ]
}

/** What `user link` prints; `argv` are flags of the server, for the addresses that it listens on. */
export const link = (name: string, password: string, argv: readonly string[]): string[] =>
  curlLines(name, password, loadConfig(schema, { argv, env: process.env }).config)
