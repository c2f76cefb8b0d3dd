import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CACHE } from '../load.ts'
import type { Peer } from './peer.ts'
import { scriptPeer } from './script.ts'

const VERSION = '3.3.11'
const FOLDER = join(CACHE, `js-libp2p-${VERSION}`)
const PACKAGES = [
  `libp2p@${VERSION}`,
  '@libp2p/circuit-relay-v2@4.2.13',
  '@libp2p/tcp@11.0.28',
  '@chainsafe/libp2p-noise@17.0.0',
  '@chainsafe/libp2p-yamux@8.0.1',
  '@libp2p/identify@4.1.14',
]

/** The circuit relay of js-libp2p by TCP, without limits, on the same Node as ours. It is fetched once, and no dependency. */
export const libp2p: Peer = {
  ...scriptPeer({ name: 'js-libp2p', mode: 'libp2p', script: 'libp2p-relay.ts', args: [FOLDER] }),
  login: FOLDER,
  optional: true,
  check: install,
  version: () => VERSION,
}

function install(): void {
  if (existsSync(join(FOLDER, 'node_modules/libp2p'))) return
  const args = ['install', '--prefix', FOLDER, '--no-audit', '--no-fund', '--ignore-scripts', ...PACKAGES]
  try {
    execFileSync('npm', args, { stdio: 'pipe' })
  } catch (cause) {
    throw new Error(`npm cannot fetch libp2p@${VERSION}`, { cause })
  }
}
