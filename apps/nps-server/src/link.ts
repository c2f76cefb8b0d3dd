import { loadConfig, type UserLink } from '@sluice/service'
import { formatAddress } from '@sluice/wire'
import { schema } from './config.ts'

/**
 * What `user link` prints. A user signs in nowhere here: clients have keys of their own, and a user's limits hold for those
 * that are added as theirs.
 */
export const link = (name: string, _password: string, argv: readonly string[]): UserLink => {
  const { config } = loadConfig(schema, { argv, env: process.env })
  const server = formatAddress(config.bridge)
  return {
    urls: {},
    lines: [`nps-server client add --user ${quoted(name)} --server ${server}`],
  }
}

/** For a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`
