import { join } from 'node:path'
import { accepting, freePort, launch, untilReady } from '../process.ts'
import type { Peer } from './peer.ts'

/** A proxy that is a script beside this file, on the same Node as ours; its last argument is the port. */
export function scriptPeer(parts: {
  name: string
  mode: Peer['mode']
  script: string
  args?: readonly string[]
}): Peer {
  return {
    name: parts.name,
    mode: parts.mode,
    login: 'bench:any',
    check: () => undefined,
    version: () => `Node ${process.versions.node}`,
    async start({ dir }) {
      const port = await freePort()
      const script = join(import.meta.dirname, parts.script)
      const args = ['--disable-warning=ExperimentalWarning', script, ...(parts.args ?? []), String(port)]
      const program = launch(process.execPath, args, join(dir, `${parts.name}.log`))
      return { program, port: await untilReady(program, () => accepting(port)) }
    },
  }
}
