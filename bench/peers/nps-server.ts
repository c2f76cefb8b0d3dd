import { execFileSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BOTH_CORES, type Program, SERVER_CORE, freePort, launch, together, untilReady } from '../process.ts'
import { checkProgram, findProgram, type Peer, type Started } from './peer.ts'
import { buildApp, doorPort, ROOT } from './sluice.ts'

const MAIN = join(ROOT, 'apps/nps-server/dist/main.mjs')
/** The one host that is asked for. */
export const HOST = 'bench.test'

/** How a tunnel is reached. */
export type TunnelKind = 'tcp' | 'udp' | 'http'

/** A client that was added. */
export interface Place {
  id: number
  enroll: string
  vkey: string
}

/** A server that runs, with what registers at it. */
export class NpsServer {
  readonly program: Program
  readonly #data: string
  readonly #token: string

  private constructor(program: Program, data: string, token: string) {
    this.program = program
    this.#data = data
    this.#token = token
  }

  /** As it is built: session log on, written to a file in the data folder. */
  static async start(
    data: string,
    flags: readonly string[] = [],
    core: typeof BOTH_CORES | number = SERVER_CORE,
  ): Promise<NpsServer> {
    const doors = ['--bridge', '127.0.0.1:0', '--web', '127.0.0.1:0', '--ops', '127.0.0.1:0']
    const args = [MAIN, '--data', data, '--grace', '0', ...doors, ...flags]
    const program = launch(process.execPath, args, join(data, 'program.log'), core)
    await untilReady(program, () => doorPort(program, 'web'))
    const argv = [
      MAIN,
      'token',
      'add',
      '--name',
      `bench-${process.hrtime.bigint()}`,
      '--scopes',
      'read,write',
    ]
    const told = execFileSync(process.execPath, [...argv, '--data', data, '--json'], { encoding: 'utf8' })
    const { token }: { token: string } = JSON.parse(told)
    return new NpsServer(program, data, token)
  }

  get data(): string {
    return this.#data
  }

  port(door: string): number {
    const port = doorPort(this.program, door)
    if (port === undefined) throw new Error(`there is no ${door}:\n${this.program.output()}`)
    return port
  }

  /** Adds a client, a tunnel or a host. */
  async add<T>(kind: 'clients' | 'tunnels' | 'hosts', input: object): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.port('web')}/v1/${kind}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      body: JSON.stringify(input),
    })
    const answer: T = JSON.parse(await response.text())
    if (!response.ok) throw new Error(`${kind}: ${JSON.stringify(answer)}`)
    return answer
  }

  /** Adds a tunnel that begins at a port that is free. @returns the port */
  async addTunnel(clientId: number, kind: TunnelKind, target: number, limits?: object): Promise<number> {
    const targets = [`127.0.0.1:${target}`]
    if (kind === 'http') {
      await this.add('hosts', { clientId, host: HOST, targets })
      return this.port('http')
    }
    const port = await freePort()
    await this.add('tunnels', { clientId, mode: kind, host: '127.0.0.1', port, targets, limits })
    return port
  }
}

const MODES = { tcp: 'raw', udp: 'raw', http: 'web' } as const

interface NpsServerOptions {
  /** Which program brings the tunnel: ours, or npc. @default native */
  client?: 'native' | 'npc'
  /** Of the tunnel. */
  limits?: object
}

/** Our own server with one client, as they are built, and one tunnel; both are measured. */
export const npsServer = (kind: TunnelKind, { client = 'native', limits }: NpsServerOptions = {}): Peer => ({
  name: 'sluice',
  mode: MODES[kind],
  ...(client === 'npc' && { optional: true }),
  check() {
    buildApp('nps-server')
    if (client === 'npc') checkProgram('npc', 'npc 0.26.10 is measured where it is in PATH.')
  },
  version: () => execFileSync(process.execPath, [MAIN, '--version'], { encoding: 'utf8' }).trim(),
  async start({ dir, originPort, flags }) {
    const core = client === 'npc' ? BOTH_CORES : SERVER_CORE
    const doors = ['--http', '127.0.0.1:0', '--npc-bridge', '127.0.0.1:0']
    const server = await NpsServer.start(mkdtempSync(join(dir, 'nps-server-')), [...doors, ...flags], core)
    try {
      return await withClient(server, client, (place) => server.addTunnel(place.id, kind, originPort, limits))
    } catch (error) {
      await server.program.stop()
      throw error
    }
  },
})

async function withClient(
  server: NpsServer,
  client: 'native' | 'npc',
  addTunnel: (place: Place) => Promise<number>,
): Promise<Started> {
  const place = await server.add<Place>('clients', {})
  const port = await addTunnel(place)
  const end =
    client === 'npc' ? runNpc(server.data, server.port('npc-bridge'), place.vkey) : runNative(server, place)
  const program = together(server.program, end)
  const isHere = (): boolean => server.program.output().includes('agent.joined')
  await untilReady(program, () => (isHere() ? port : undefined))
  return { program, port }
}

function runNative({ data }: NpsServer, { enroll }: Place): Program {
  const input = join(data, 'enrolment')
  writeFileSync(input, `${enroll}\n`, { mode: 0o600 })
  const args = [MAIN, 'client', 'run', '--enroll-stdin']
  return launch(process.execPath, args, join(data, 'client.log'), SERVER_CORE, input)
}

/** The client of the original, 0.26.10. */
export function runNpc(dir: string, bridge: number, vkey: string): Program {
  const args = [
    `-server=127.0.0.1:${bridge}`,
    `-vkey=${vkey}`,
    '-type=tcp',
    `-log_path=${join(dir, 'npc-own.log')}`,
  ]
  return launch(findProgram('npc') ?? 'npc', args, join(dir, 'npc.log'), BOTH_CORES)
}
