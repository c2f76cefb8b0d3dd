import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Daemon } from './daemon.ts'
import { deadPort } from './origin.ts'
import { run } from './process.ts'
import { temporaryFolder } from './sluice.ts'

const MAIN = join(import.meta.dirname, '../apps/nps-server/dist/main.mjs')

/** What is told of a client, a tunnel or a host. */
export interface NpsRecord {
  readonly id: number
  readonly inlet: number
  readonly export: number
  readonly online?: boolean
  readonly state?: string
  /** Told once, when it is made. */
  readonly vkey: string
  readonly enroll: string
  readonly token: string
  readonly port: number
  readonly tunnels: readonly number[]
}

/** Payload bytes, from visitors and to them. */
export interface Flow {
  readonly inlet: number
  readonly export: number
}

const PORTLESS: ReadonlySet<string> = new Set(['secret', 'p2p'])

/** The built server, on loopback; what its command line does needs no running program. */
export class NpsServer implements AsyncDisposable {
  readonly data: string = temporaryFolder()
  readonly bridge: string
  readonly npcBridge: string
  readonly http: string
  readonly https: string
  readonly web: string
  readonly #flags: readonly string[]
  #daemon: Daemon | undefined = undefined
  #token: string | undefined = undefined

  /** @param flags of the server, which is not started yet */
  static async make(...flags: string[]): Promise<NpsServer> {
    const ports: string[] = []
    for (let at = 0; at < 5; at += 1) ports.push(`127.0.0.1:${await deadPort()}`)
    return new NpsServer(ports, flags)
  }

  private constructor(addresses: readonly string[], flags: readonly string[]) {
    ;[this.bridge, this.npcBridge, this.http, this.https, this.web] = addresses as [
      ...[string, string, string, string, string],
    ]
    this.#flags = flags
  }

  get log(): string {
    return this.#daemon?.log ?? ''
  }

  get pid(): number {
    return this.#daemon!.pid
  }

  async start(within: readonly string[] = []): Promise<void> {
    const bridge = this.#flags.includes('--bridge') ? [] : ['--bridge', this.bridge]
    const ways = [...bridge, '--npc-bridge', this.npcBridge, '--http', this.http]
    const web = ['--web', this.web, ...(this.#flags.includes('--https-cert') ? ['--https', this.https] : [])]
    const common = ['--data', this.data, '--ops', '127.0.0.1:0', '--grace', '1']
    this.#daemon = await Daemon.start(
      [MAIN, ...ways, ...web, ...common, ...this.#flags],
      {},
      undefined,
      within,
    )
  }

  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#daemon?.kill(signal)
  }

  /** A command on its records. @returns what it tells @throws Error where it fails */
  async tell(...args: string[]): Promise<NpsRecord> {
    return this.tellWith('', ...args)
  }

  /** @param input its standard input */
  async tellWith(input: string, ...args: string[]): Promise<NpsRecord> {
    const all = [MAIN, ...args, '--data', this.data, '--json']
    const { status, stdout, stderr } = await run(process.execPath, all, input)
    if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`)
    return JSON.parse(stdout.toString()) as NpsRecord
  }

  /** Of a running server: one request of its REST API. @throws Error where it is refused */
  async ask(method: string, path: string, body?: object): Promise<NpsRecord> {
    this.#token ??= (await this.tell('token', 'add', '--name', 'test', '--scopes', 'read,write')).token
    const headers = { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' }
    const answer = await fetch(`http://${this.web}/v1/${path}`, {
      ...{ method, headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return (text === '' ? {} : JSON.parse(text)) as NpsRecord
  }

  addClient(fields: object = {}): Promise<NpsRecord> {
    return this.ask('POST', 'clients', fields)
  }

  /** On a port of loopback that is free now. */
  async addTunnel(clientId: number, mode: string, fields: object = {}): Promise<NpsRecord> {
    const place = PORTLESS.has(mode) ? {} : { host: '127.0.0.1', port: await deadPort() }
    return this.ask('POST', 'tunnels', { clientId, mode, ...place, ...fields })
  }

  addHost(clientId: number, host: string, fields: object): Promise<NpsRecord> {
    return this.ask('POST', 'hosts', { clientId, host, ...fields })
  }

  /** As the command line tells it. */
  async flowOf(kind: 'client' | 'tunnel' | 'host', { id }: NpsRecord): Promise<Flow> {
    const { inlet, export: down } = await this.tell(kind, 'show', String(id))
    return { inlet, export: down }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.data, { recursive: true, force: true })
  }
}

/** The built client program. @returns once it is let in */
export const runClient = (
  { enroll }: Pick<NpsRecord, 'enroll'>,
  flags: readonly string[] = [],
  within: readonly string[] = [],
): Promise<Daemon> => {
  const args = [MAIN, 'client', 'run', '--enroll-stdin', '--grace', '1', ...flags]
  return Daemon.start(args, {}, undefined, within, `${enroll}\n`)
}

/** A port of this machine that leads to a private tunnel. @returns once it is let in */
export const runVisitor = (
  { enroll }: Pick<NpsRecord, 'enroll'>,
  password: string,
  listen: string,
): Promise<Daemon> => {
  const args = [MAIN, 'client', 'visit', '--enroll-stdin', '--password-stdin', '--listen', listen]
  return Daemon.start(args, {}, undefined, [], `${enroll}\n${password}\n`)
}
