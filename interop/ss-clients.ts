import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { deadPort } from './origin.ts'
import { start, stop } from './process.ts'
import { SING_BOX } from './sing-box.ts'
import { temporaryFolder } from './sluice.ts'

/** What a client has to know of a server on 127.0.0.1. */
export interface SsTarget {
  readonly port: number
  readonly method: string
  /** Of 2022: the keys, that of the server first, with colons between. */
  readonly password: string
}

/** A tunnel: what comes to a port of 127.0.0.1 goes through a server to another such port, TCP and UDP. */
export interface Tunnel extends SsTarget {
  /** Where it leads. */
  readonly to: number
}

/** Programs of others, which end with it. */
export class SsClients implements AsyncDisposable {
  readonly #folder: string = temporaryFolder()
  readonly #disposals: (() => Promise<unknown>)[] = []

  /** ss-local. @returns its SOCKS5 port */
  async local(server: SsTarget): Promise<number> {
    const [port = 0] = await this.#launch('ss-local', 1, ([own]) => [...libev(server), '-l', String(own)])
    return port
  }

  /** ss-tunnel. @returns its port */
  async tunnel(tunnel: Tunnel): Promise<number> {
    const [port = 0] = await this.#launch('ss-tunnel', 1, ([own]) => [
      ...libev(tunnel),
      ...['-u', '-L', `127.0.0.1:${tunnel.to}`, '-l', String(own)],
    ])
    return port
  }

  /** One v2ray for all of these. @returns their ports */
  v2ray(tunnels: readonly Tunnel[]): Promise<number[]> {
    return this.#launch('v2ray', tunnels.length, (ports) => [
      '-config',
      this.#write('v2ray', v2rayConfig(tunnels, ports)),
    ])
  }

  /** One sing-box for all of these. @returns their ports */
  singBox(tunnels: readonly Tunnel[]): Promise<number[]> {
    return this.#launch(SING_BOX, tunnels.length, (ports) => [
      'run',
      '-c',
      this.#write('sing-box', singBoxConfig(tunnels, ports)),
    ])
  }

  /** ss-server. @returns its port */
  async server(method: string, password: string, ...flags: string[]): Promise<number> {
    const [port = 0] = await this.#launch('ss-server', 1, ([own]) => [
      ...libev({ port: own!, method, password }),
      ...flags,
    ])
    return port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#disposals.map((dispose) => dispose()))
    rmSync(this.#folder, { recursive: true })
  }

  #write(name: string, config: unknown): string {
    const file = join(this.#folder, `${name}.json`)
    writeFileSync(file, JSON.stringify(config))
    return file
  }

  /** Starts a program on ports that are free, or were a moment ago: then on others. */
  async #launch(name: string, count: number, argsFor: (ports: number[]) => string[]): Promise<number[]> {
    for (let tries = 0; tries < 5; tries += 1) {
      const ports = await Promise.all(Array.from({ length: count }, () => deadPort()))
      const child = start(name, argsFor(ports))
      child.stdout.resume()
      child.stderr.resume()
      while (child.exitCode === null && !(await accept(ports))) await sleep(20)
      if (child.exitCode !== null) continue
      this.#disposals.push(() => stop(child))
      return ports
    }
    throw new Error(`${name} did not start`)
  }
}

const libev = ({ port, method, password }: SsTarget): string[] => [
  ...['-s', '127.0.0.1', '-p', String(port), '-m', method, '-k', password, '-t', '30'],
]

const accept = async (ports: readonly number[]): Promise<boolean> =>
  (await Promise.all(ports.map(accepts))).every(Boolean)

const accepts = async (port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

const v2rayConfig = (tunnels: readonly Tunnel[], ports: readonly number[]): unknown => ({
  log: { loglevel: 'warning' },
  inbounds: tunnels.map(({ to }, index) => ({
    tag: `in-${index}`,
    protocol: 'dokodemo-door',
    listen: '127.0.0.1',
    port: ports[index],
    settings: { address: '127.0.0.1', port: to, network: 'tcp,udp' },
  })),
  outbounds: tunnels.map(({ port, method, password }, index) => ({
    tag: `out-${index}`,
    protocol: 'shadowsocks',
    settings: { servers: [{ address: '127.0.0.1', port, method, password }] },
  })),
  routing: {
    rules: tunnels.map((_, index) => ({
      type: 'field',
      inboundTag: [`in-${index}`],
      outboundTag: `out-${index}`,
    })),
  },
})

const singBoxConfig = (tunnels: readonly Tunnel[], ports: readonly number[]): unknown => ({
  log: { level: 'warn' },
  inbounds: tunnels.map(({ to }, index) => ({
    type: 'direct',
    tag: `in-${index}`,
    listen: '127.0.0.1',
    listen_port: ports[index],
    override_address: '127.0.0.1',
    override_port: to,
  })),
  outbounds: tunnels.map(({ port, method, password }, index) => ({
    type: 'shadowsocks',
    tag: `out-${index}`,
    server: '127.0.0.1',
    server_port: port,
    method,
    password,
  })),
  route: { rules: tunnels.map((_, index) => ({ inbound: [`in-${index}`], outbound: `out-${index}` })) },
})
