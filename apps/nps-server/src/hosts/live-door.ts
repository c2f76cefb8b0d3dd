import { randomBytes } from 'node:crypto'
import { type Account, type Directory, type Program, signInLimits } from '@sluice/service'
import { Deadlines, type ForwardSettings } from '@sluice/service/http'
import type { Address } from '@sluice/wire'
import type { LiveClient, Registry } from '../registry.ts'
import { HostCaches } from './cache/host-caches.ts'
import type { HostAcme } from './host-acme.ts'
import type { HostDoor } from './host-door.ts'
import type { NpsServerConfig } from '../config.ts'
import { HostRouter } from './router.ts'
import { VisitorLogins } from './visitor-logins.ts'

export interface LiveDoorParts {
  readonly program: Program
  readonly config: NpsServerConfig
  readonly registry: Registry
  readonly acme: HostAcme
  /** Wall clock. */
  readonly now: () => number
}

/** The door as settings and hosts are now. */
export class LiveDoor implements HostDoor {
  readonly directory: Directory
  readonly logins: VisitorLogins
  readonly acme: HostAcme
  readonly caches: HostCaches
  readonly now: () => number
  /** Where the listener for https is, once it is open. */
  secure: Address | undefined = undefined
  readonly #registry: Registry
  readonly #deadlines = new Deadlines()
  readonly #via = `sluice-${randomBytes(4).toString('hex')}`
  #config: NpsServerConfig
  #forward: ForwardSettings
  #router: HostRouter | undefined = undefined

  constructor({ program, config, registry, acme, now }: LiveDoorParts) {
    this.directory = program.directory
    this.logins = new VisitorLogins(signInLimits(config))
    this.acme = acme
    this.caches = new HostCaches()
    this.now = now
    this.#registry = registry
    this.#config = config
    this.#forward = this.#settings(config)
    const watching = registry.watch(() => this.#onChange())
    program.onReload<NpsServerConfig>((next) => () => this.#update(next))
    program.onStop(() => {
      watching[Symbol.dispose]()
      this.logins.close()
    })
  }

  get config(): NpsServerConfig {
    return this.#config
  }

  /** Made when it is first asked for behind a change, of which there may be many at once. */
  router(): HostRouter {
    this.#router ??= new HostRouter(this.#registry.hosts.values())
    return this.#router
  }

  forward(): ForwardSettings {
    return this.#forward
  }

  https(): Address | undefined {
    return this.secure
  }

  ownerOf(client: LiveClient): Account {
    return this.#registry.ownerOf(client)
  }

  #onChange(): void {
    this.#router = undefined
    this.caches.sweep(this.#registry.hosts)
  }

  #update(config: NpsServerConfig): void {
    this.#config = config
    this.#forward = this.#settings(config)
    this.logins.limits = signInLimits(config)
  }

  #settings({ handshakeMs: headMs, keepAliveMs, responseMs }: NpsServerConfig): ForwardSettings {
    return { via: this.#via, headMs, keepAliveMs, responseMs, deadlines: this.#deadlines }
  }
}
