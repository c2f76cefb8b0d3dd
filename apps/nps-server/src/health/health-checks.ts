import { type Clock, systemClock } from '@sluice/ratelimit'
import type { Program } from '@sluice/service'
import type { LiveHost, LiveTunnel, Registry } from '../registry.ts'
import { TargetWatch } from './target-watch.ts'

export interface HealthChecksOptions {
  readonly program: Pick<Program, 'log' | 'onStop'>
  readonly registry: Registry
  /** @default the system's */
  readonly clock?: Clock
}

/** Follows the registry, and checks the targets of all tunnels and hosts that want it, until the program stops. */
export const startHealthChecks = ({ program, registry, clock = systemClock }: HealthChecksOptions): void => {
  const { log } = program
  const watches = new Map<LiveTunnel | LiveHost, TargetWatch>()
  const sync = (): void => {
    const levels = new Set<LiveTunnel | LiveHost>([...registry.tunnels.values(), ...registry.hosts.values()])
    for (const [level, watch] of watches) {
      if (levels.has(level)) continue
      watch.stop()
      watches.delete(level)
    }
    for (const level of levels) {
      const known = watches.get(level)
      if (known === undefined && level.record.health === undefined) continue
      const watch = known ?? new TargetWatch({ level, clock, log })
      watches.set(level, watch)
      watch.sync()
    }
  }
  const following = registry.watch(sync)
  program.onStop(() => {
    following[Symbol.dispose]()
    for (const watch of watches.values()) watch.stop()
  })
  sync()
}
