import { type Clock, systemClock } from '@sluice/ratelimit'
import { type Program, type Request, signInLimits } from '@sluice/service'
import type { NpsServerConfig } from '../config.ts'
import { Failovers } from '../failovers.ts'
import type { LiveTunnel, Registry } from '../registry.ts'
import { LoginWatch } from './login-watch.ts'
import { openListener, type TunnelParts, tunnelParts } from './tunnel-listener.ts'
import { TunnelDoor, type TunnelDoorOptions } from './tunnel-door.ts'
import { placeOf } from './tunnel-place.ts'
import { visit, type Visited } from './visit.ts'

export interface TunnelsOptions {
  readonly program: Program
  readonly config: NpsServerConfig
  readonly registry: Registry
  /** @default the system's */
  readonly clock?: Clock
  /** @default its own */
  readonly failovers?: Failovers
}

/** The listeners of all tunnels, as the registry has them now. */
export class Tunnels {
  readonly #options: Required<TunnelsOptions>
  readonly #parts: TunnelParts
  readonly #doors = new Map<number, TunnelDoor>()
  readonly #watch: Disposable
  readonly #logins = new LoginWatch()
  #config: NpsServerConfig
  #isStopped = false

  constructor(options: TunnelsOptions) {
    const { program, config, registry } = options
    this.#options = { clock: systemClock, failovers: new Failovers(program.log), ...options }
    this.#config = config
    this.#parts = tunnelParts({ ...this.#options, config: () => this.#config })
    const { logins } = this.#parts
    this.#watch = registry.watch(() => void this.sync())
    program.onReload<NpsServerConfig>((next) => () => {
      this.#config = next
      logins.limits = signInLimits(next)
      void this.sync()
    })
    program.onStop(() => this.#stop())
  }

  /** Resolves when each is open where it is to be, or has failed to be. */
  async sync(): Promise<void> {
    if (this.#isStopped) return
    const { tunnels } = this.#options.registry
    for (const [id, door] of this.#doors) {
      if (tunnels.get(id) === door.tunnel) continue
      door.close()
      this.#doors.delete(id)
    }
    // All leave where they were before any of them opens: one may follow at another's port.
    for (const tunnel of tunnels.values()) this.#logins.check(tunnel)
    await Promise.all(
      Array.from(tunnels.values(), (tunnel) => this.#doorOf(tunnel).move(placeOf(tunnel, this.#config))),
    )
  }

  /** Of who has found a secret tunnel. @throws as `visit` */
  visit(tunnel: LiveTunnel, visited: Visited): Request {
    return visit(tunnel, visited, this.#parts)
  }

  #doorOf(tunnel: LiveTunnel): TunnelDoor {
    const { id } = tunnel.record
    let door = this.#doors.get(id)
    if (door !== undefined) return door
    const { program, clock } = this.#options
    const open: TunnelDoorOptions['open'] = (address) => openListener(tunnel, address, this.#parts)
    door = new TunnelDoor({ tunnel, open, log: program.log, clock })
    this.#doors.set(id, door)
    return door
  }

  #stop(): void {
    this.#isStopped = true
    this.#watch[Symbol.dispose]()
    for (const door of this.#doors.values()) door.stop()
    this.#parts.logins.close()
  }
}

/** Opens all tunnels of the registry, and follows it from then on. */
export const openTunnels = async (options: TunnelsOptions): Promise<Tunnels> => {
  const tunnels = new Tunnels(options)
  await tunnels.sync()
  return tunnels
}
