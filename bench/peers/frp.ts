import { execFileSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accepting, freePort, launch, together, untilReady } from '../process.ts'
import { HOST, type TunnelKind } from './nps-server.ts'
import { checkProgram, type Peer } from './peer.ts'

const HINT = 'frp is measured where frps and frpc are in PATH (go install github.com/fatedier/frp/cmd/...).'

/** frps and frpc with one tunnel and nothing that is not the default; both are measured. */
export const frp = (kind: TunnelKind): Peer => ({
  name: 'frp',
  mode: kind === 'http' ? 'web' : 'raw',
  optional: true,
  check() {
    for (const command of ['frps', 'frpc']) checkProgram(command, HINT)
  },
  version: () => execFileSync('frps', ['--version'], { encoding: 'utf8' }).trim(),
  async start({ dir: parent, originPort }) {
    const dir = mkdtempSync(join(parent, 'frp-'))
    const [bind, port] = [await freePort(), await freePort()]
    const visitors = kind === 'http' ? `vhostHTTPPort = ${port}\n` : ''
    const server = run(dir, 'frps', `bindAddr = "127.0.0.1"\nbindPort = ${bind}\n${visitors}`)
    await untilReady(server, () => accepting(bind))
    const place = kind === 'http' ? `customDomains = ["${HOST}"]` : `remotePort = ${port}`
    const head = `serverAddr = "127.0.0.1"\nserverPort = ${bind}\n`
    const tunnel = `[[proxies]]\nname = "t"\ntype = "${kind}"\nlocalIP = "127.0.0.1"\nlocalPort = ${originPort}\n`
    const program = together(server, run(dir, 'frpc', `${head}${tunnel}${place}\n`))
    const isUp = (): boolean => program.output().includes('start proxy success')
    return { program, port: await untilReady(program, () => (isUp() ? port : undefined)) }
  },
})

function run(dir: string, command: string, config: string): ReturnType<typeof launch> {
  const file = join(dir, `${command}.toml`)
  writeFileSync(file, config)
  return launch(command, ['-c', file], join(dir, `${command}.log`))
}
