import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { accepting, freePort, launch, untilReady } from '../process.ts'
import { type Peer, checkInstalled, findProgram } from './peer.ts'

/** Syncthing's relay server, without limits, and in no pool of relays, where it would join by default. */
export const strelaysrv: Peer = {
  name: 'strelaysrv',
  mode: 'strelay',
  check: () => checkInstalled('strelaysrv', 'syncthing-relaysrv'),
  version: () => {
    const said = execFileSync(findProgram('strelaysrv') ?? '', ['-version'], { encoding: 'utf8' })
    return said.split(' ')[1] ?? 'unknown'
  },
  async start({ dir }) {
    const port = await freePort()
    const place = ['-listen', `127.0.0.1:${port}`, '-keys', mkdtempSync(join(dir, 'strelaysrv-'))]
    const args = ['-pools', '', '-status-srv', '', ...place]
    const program = launch('strelaysrv', args, join(dir, 'strelaysrv.log'))
    return { program, port: await untilReady(program, () => accepting(port)) }
  },
}
