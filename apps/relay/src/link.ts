import { loadConfig, type UserLink } from '@sluice/service'
import { reachedAt, urlsOf } from './addresses.ts'
import { schema } from './config.ts'
import { openIdentity } from './identity.ts'
import { identityFile } from './identity-file.ts'

/** What `user link` prints: where the relay is, for `--relay`. A peer needs no secret of the relay's; it has its own key. */
export const link = (_name: string, _password: string, argv: readonly string[]): UserLink => {
  const { config } = loadConfig(schema, { argv, env: process.env })
  const identity = openIdentity(identityFile(config))
  const urls = urlsOf(reachedAt(config, config.listen, identity.nodeId))
  return { urls, lines: Object.values(urls) }
}
