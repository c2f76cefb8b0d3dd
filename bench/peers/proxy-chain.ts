import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CACHE } from '../load.ts'
import { scriptPeer } from './script.ts'
import type { Peer } from './peer.ts'

const VERSION = '3.0.1'
const FOLDER = join(CACHE, `proxy-chain-${VERSION}`)
const MODULE = join(FOLDER, 'node_modules/proxy-chain/dist/index.js')

/** The npm package of that name, by CONNECT, on the same Node as ours. It is fetched once, and no dependency. */
export const proxyChain: Peer = {
  ...scriptPeer({ name: 'proxy-chain', mode: 'connect', script: 'chain-proxy.ts', args: [MODULE] }),
  optional: true,
  check: install,
  version: () => VERSION,
}

function install(): void {
  if (existsSync(MODULE)) return
  const args = ['install', '--prefix', FOLDER, '--no-audit', '--no-fund', `proxy-chain@${VERSION}`]
  try {
    execFileSync('npm', args, { stdio: 'pipe' })
  } catch (cause) {
    throw new Error(`npm cannot fetch proxy-chain@${VERSION}`, { cause })
  }
}
