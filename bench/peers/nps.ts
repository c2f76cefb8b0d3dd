import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accepting, BOTH_CORES, freePort, launch, together, untilReady } from '../process.ts'
import { runNpc } from './nps-server.ts'
import { checkProgram, findProgram, type Peer } from './peer.ts'

const VKEY = 'bench-bench-bench'
/** KiB a second. 0 is not what it says: then it is 16 MiB a second. */
const LIFTED = 10_000_000

/** The original server, 0.26.10, with its npc and one tunnel, its rate limit lifted; both are measured. */
export const nps: Peer = {
  name: 'nps',
  mode: 'raw',
  optional: true,
  check() {
    for (const command of ['nps', 'npc'])
      checkProgram(command, 'nps 0.26.10 is measured where nps and npc are in PATH.')
  },
  version: () => '0.26.10',
  async start({ dir: parent, originPort }) {
    const dir = mkdtempSync(join(parent, 'nps-'))
    const [bridge, port, web] = [await freePort(), await freePort(), await freePort()]
    configure(dir, { bridge, port, web, originPort })
    // It looks for its settings beside itself.
    const binary = join(dir, 'nps')
    symlinkSync(findProgram('nps') ?? 'nps', binary)
    const server = launch(binary, [], join(dir, 'nps.log'), BOTH_CORES)
    await untilReady(server, () => accepting(bridge))
    const program = together(server, runNpc(dir, bridge, VKEY))
    const isHere = (): boolean => /connection succeeded/.test(server.output())
    return { program, port: await untilReady(program, () => (isHere() ? port : undefined)) }
  },
}

interface Ports {
  bridge: number
  port: number
  web: number
  originPort: number
}

function configure(dir: string, { bridge, port, web, originPort }: Ports): void {
  const conf = join(dir, 'conf')
  mkdirSync(conf)
  const settings = [
    'appname = nps',
    'runmode = pro',
    'log_level = 6',
    'bridge_type = tcp',
    'bridge_ip = 127.0.0.1',
  ]
  settings.push(`bridge_port = ${bridge}`, `web_port = ${web}`, 'web_ip = 127.0.0.1', 'web_username = bench')
  settings.push('web_password = correct-horse', 'http_proxy_ip = 127.0.0.1', 'disconnect_timeout = 60')
  writeFileSync(join(conf, 'nps.conf'), `${settings.join('\n')}\n`)
  const flow = { ExportFlow: 0, InletFlow: 0, FlowLimit: 0 }
  const client = { Id: 1, VerifyKey: VKEY, Status: true, RateLimit: LIFTED, Flow: flow, Cnf: {} }
  const target = { TargetStr: `127.0.0.1:${originPort}` }
  const tunnel = { Id: 1, Port: port, ServerIp: '127.0.0.1', Mode: 'tcp', Status: true, RunStatus: true }
  writeRecord(join(conf, 'clients.json'), client)
  writeRecord(join(conf, 'tasks.json'), { ...tunnel, Client: { Id: 1 }, Flow: flow, Target: target })
  writeFileSync(join(conf, 'hosts.json'), '')
}

const writeRecord = (file: string, record: object): void =>
  writeFileSync(file, `${JSON.stringify(record)}\n*#*`)
