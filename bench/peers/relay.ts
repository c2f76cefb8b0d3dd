import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { launch, untilReady } from '../process.ts'
import type { Peer } from './peer.ts'
import { buildApp, doorPort, ROOT } from './sluice.ts'

const MAIN = join(ROOT, 'apps/relay/dist/main.mjs')

/** Our own relay, as it is built: open to all peers, session log on, written to a file. */
export const sluiceRelay = (transport: 'tcp' | 'tls' | 'ws', flags: readonly string[] = []): Peer => ({
  name: 'sluice',
  mode: `relay-${transport}`,
  check: () => buildApp('relay'),
  version: () => execFileSync(process.execPath, [MAIN, '--version'], { encoding: 'utf8' }).trim(),
  async start({ dir, flags: more }) {
    const data = mkdtempSync(join(dir, 'relay-'))
    const place = ['--listen', `${transport}://127.0.0.1:0`, '--ops', '127.0.0.1:0', '--data', data]
    const args = [MAIN, ...place, '--open', '--preset', 'private', '--grace', '0', ...flags, ...more]
    const program = launch(process.execPath, args, join(dir, 'relay.log'))
    return { program, port: await untilReady(program, () => doorPort(program, transport)) }
  },
})
