import { randomBytes } from 'node:crypto'
import { type SsKey, ssKey, ssMethod } from '@sluice/wire/shadowsocks'
import { freePort } from './free-port.ts'
import type { Installed } from './install.ts'
import type { SsLogin } from './ss-tunnel.ts'

/** How a user of ss-node is known: among others by trial, by an identity header, or by a port of their own. */
export type SsPlace = 'shared' | 'identity' | 'own'

const SERVER_METHOD = '2022-blake3-aes-256-gcm'

/** Users of a node, each with the limits that `flags` say, and the flags by which it serves them. */
export class SsUsers {
  /** The flags of the node. */
  readonly flags: readonly string[]
  readonly secrets: string[] = []
  readonly #installed: Installed
  readonly #ports: Readonly<Record<Exclude<SsPlace, 'own'>, number>>
  readonly #serverKey: SsKey

  static async of(installed: Installed): Promise<SsUsers> {
    return new SsUsers(installed, { shared: await freePort(), identity: await freePort() })
  }

  private constructor(installed: Installed, ports: Readonly<Record<Exclude<SsPlace, 'own'>, number>>) {
    this.#installed = installed
    this.#ports = ports
    const secret = this.#newSecret(32)
    this.#serverKey = keyOf(SERVER_METHOD, secret)
    this.flags = [
      ...['--listen', '127.0.0.1', '--port', String(ports.shared)],
      ...['--identity-key', `${ports.identity}:${SERVER_METHOD}:${secret}`],
    ]
  }

  /** @param method of an identity port there is but one */
  async add(
    name: string,
    place: SsPlace,
    method: string = SERVER_METHOD,
    flags: readonly string[] = [],
  ): Promise<SsLogin> {
    const secret = this.#newSecret(ssMethod(method)?.keyBytes ?? 0)
    const port = place === 'own' ? await freePort() : this.#ports[place]
    const own = place === 'shared' ? [] : ['--ss-port', String(port)]
    const words = ['user', 'add', name, '--ss-method', method, '--ss-secret-stdin', ...own, ...flags]
    await this.#installed.command(words, `${secret}\n`)
    const key = keyOf(method, secret)
    return { port, key, serverKey: place === 'identity' ? this.#serverKey : undefined }
  }

  #newSecret(bytes: number): string {
    const secret = randomBytes(bytes).toString('base64')
    this.secrets.push(secret)
    return secret
  }
}

function keyOf(name: string, secret: string): SsKey {
  const method = ssMethod(name)
  if (method === undefined) throw new Error(`no method '${name}'`)
  return ssKey(method, secret)
}
