import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { deadPort } from './origin.ts'
import { run, start, stop } from './process.ts'
import { Sluice, temporaryFolder } from './sluice.ts'

/** A login that they can have. */
export interface Login {
  readonly name: string
  readonly password: string
}

/** The one login of those servers that have users. */
export const LOGIN: Login = { name: 'ora', password: 'cle' }

/** Another that they know, for wrong passwords: squid keeps one password a name, and who comes at the same time is asked again. */
export const OTHER_LOGIN: Login = { name: 'ore', password: 'clef' }

const SQUID_HELPER = '/usr/lib/squid/basic_ncsa_auth'

/** Ours and other proxies, each on a port of 127.0.0.1, with the one login; danted has none. */
export class Servers implements AsyncDisposable {
  readonly #login: Login
  readonly #folder: string = temporaryFolder()
  readonly #disposals: (() => Promise<unknown>)[] = []
  readonly #ports = new Map<string, number>()

  constructor(login: Login = LOGIN) {
    this.#login = login
  }

  async startOurs(): Promise<void> {
    const sluice = await Sluice.start(undefined, '--bind')
    this.#disposals.push(() => sluice[Symbol.asyncDispose]())
    for (const { name, password } of [this.#login, OTHER_LOGIN]) await sluice.add(name, password)
    this.#ports.set('remote-proxy', Number(sluice.socks.split(':')[1]))
  }

  startDanted(): Promise<void> {
    return this.#launch('danted', (port) => {
      const file = this.#write('dante.conf', dante(port, join(this.#folder, 'dante.log')))
      return ['-f', file, '-p', join(this.#folder, 'dante.pid')]
    })
  }

  startMicrosocks(): Promise<void> {
    const login = ['-u', this.#login.name, '-P', this.#login.password]
    return this.#launch('microsocks', (port) => ['-i', '127.0.0.1', '-p', String(port), ...login])
  }

  startTinyproxy(): Promise<void> {
    return this.#launch('tinyproxy', (port) => [
      '-d',
      '-c',
      this.#write('tinyproxy.conf', tinyproxy(port, this.#login)),
    ])
  }

  /** @param parent port of 127.0.0.1 of a proxy with the same login, which it asks for everything */
  async startSquid(parent?: number): Promise<void> {
    const users = this.#write('squid.users', (await lineOf(this.#login)) + (await lineOf(OTHER_LOGIN)))
    // Its helper reads the file as the user that squid has become.
    chmodSync(this.#folder, 0o755)
    const pid = join(this.#folder, 'squid.pid')
    // As that user it writes its log, too.
    chmodSync(this.#write('squid.log', ''), 0o666)
    const more = parent === undefined ? '' : squidParent(parent, this.#login)
    // Its shared memory is named after the service: two of one name, or what is left of one that was killed, collide.
    const service = `interop${randomBytes(6).toString('hex')}`
    await this.#launch('squid', (port) => {
      const text = `${squid(port, users, pid)}access_log stdio:${this.squidLog} squid\n${more}`
      return ['-N', '-n', service, '-f', this.#write('squid.conf', text)]
    })
  }

  /** Squid's access log, in its own format. */
  get squidLog(): string {
    return join(this.#folder, 'squid.log')
  }

  /** TLS in front of a port, by socat, with the certificate of `httpsOrigin` in `folder`. */
  startTlsFront(folder: string, behind: number): Promise<void> {
    const files = `cert=${join(folder, 'origin.crt')},key=${join(folder, 'origin.key')}`
    return this.#launch('socat', (port) => [
      `OPENSSL-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork,verify=0,${files}`,
      `TCP:127.0.0.1:${behind}`,
    ])
  }

  /** @throws Error where there is no server of that name */
  port(name: string): number {
    const port = this.#ports.get(name)
    if (port === undefined) throw new Error(`no server ${name}`)
    return port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const dispose of this.#disposals) await dispose()
    rmSync(this.#folder, { recursive: true })
  }

  #write(name: string, text: string): string {
    const file = join(this.#folder, name)
    writeFileSync(file, text)
    return file
  }

  /** Starts a server on a port that is free, or was a moment ago: then on another. */
  async #launch(name: string, argsFor: (port: number) => string[]): Promise<void> {
    for (let tries = 0; tries < 5; tries += 1) {
      const port = await deadPort()
      const child = start(name, argsFor(port))
      child.stdout.resume()
      child.stderr.resume()
      while (child.exitCode === null && !(await accepts(port))) await sleep(20)
      if (child.exitCode !== null) continue
      this.#disposals.push(() => stop(child))
      this.#ports.set(name, port)
      return
    }
    throw new Error(`${name} did not start`)
  }
}

/** Of a file of users as squid's helper reads it. */
const lineOf = async ({ name, password }: Login): Promise<string> => {
  const { stdout } = await run('openssl', ['passwd', '-apr1', password])
  return `${name}:${stdout.toString()}`
}

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

const dante = (port: number, log: string): string => `
logoutput: ${log}
internal: 127.0.0.1 port = ${port}
external: 127.0.0.1
clientmethod: none
socksmethod: none
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 command: connect bind bindreply udpassociate udpreply }
`

const tinyproxy = (port: number, login: Login): string => `
Port ${port}
Listen 127.0.0.1
Timeout 30
LogLevel Critical
BasicAuth ${login.name} ${login.password}
BasicAuth ${OTHER_LOGIN.name} ${OTHER_LOGIN.password}
`

const squid = (port: number, users: string, pid: string): string => `
http_port 127.0.0.1:${port}
auth_param basic program ${SQUID_HELPER} ${users}
acl known proxy_auth REQUIRED
acl discard port 9
http_access deny known discard
http_access allow known
http_access deny all
cache_log /dev/null
cache deny all
icp_port 0
pinger_enable off
pid_filename ${pid}
coredump_dir none
shutdown_lifetime 0 seconds
dns_nameservers 127.0.0.254
dns_retransmit_interval 200 milliseconds
dns_timeout 1 second
`

const squidParent = (port: number, { name, password }: Login): string => `
cache_peer 127.0.0.1 parent ${port} 0 no-query no-digest default login=${name}:${password}
never_direct allow all
`
