import type { Clock, Timer } from '@sluice/ratelimit'
import { codeOf, type Log } from '@sluice/service'
import type { HealthCheck } from '../records.ts'
import type { LiveHost, LiveTunnel } from '../registry.ts'
import { parseTarget } from '../target-picker.ts'
import { checkTarget } from './check-target.ts'

export interface TargetWatchOptions {
  readonly level: LiveTunnel | LiveHost
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn'>
}

/** As which a target is found down. */
const BY = 'check'

/** Checks the targets of one tunnel or host again and again, all of them at once. */
export class TargetWatch {
  readonly #options: TargetWatchOptions
  /** In a row, by target. */
  readonly #failures = new Map<string, number>()
  #health: HealthCheck | undefined = undefined
  #timer: Timer | undefined = undefined
  #checking: AbortController | undefined = undefined

  constructor(options: TargetWatchOptions) {
    this.#options = options
  }

  /** As the record has it now. */
  sync(): void {
    const { record } = this.#options.level
    const health = record.enabled ? record.health : undefined
    if (isSame(health, this.#health)) return
    this.stop()
    this.#health = health
    if (health !== undefined) void this.#round(health)
  }

  /** What was found down is up again, since nobody looks any more. */
  stop(): void {
    this.#timer?.cancel()
    this.#checking?.abort(new Error('nobody asks any more'))
    this.#health = undefined
    this.#failures.clear()
    const { targets } = this.#options.level
    for (const target of targets.down) targets.setUp(target, true, BY)
  }

  async #round(health: HealthCheck): Promise<void> {
    const checking = (this.#checking = new AbortController())
    const { targets } = this.#options.level.record
    await Promise.all(targets.map((target) => this.#check(target, health, checking.signal)))
    if (checking.signal.aborted) return
    this.#timer = this.#options.clock.after(health.intervalMs, () => void this.#round(health))
  }

  async #check(target: string, health: HealthCheck, signal: AbortSignal): Promise<void> {
    try {
      await checkTarget(this.#options.level, parseTarget(target), health, signal)
      if (!signal.aborted) this.#isUp(target)
    } catch (error) {
      const code = codeOf(error)
      // Then nobody knows.
      if (!signal.aborted && code !== 'AGENT_OFFLINE') this.#failed(target, health, code)
    }
  }

  #isUp(target: string): void {
    const { level, log } = this.#options
    const failures = this.#failures.get(target) ?? 0
    this.#failures.delete(target)
    level.targets.setUp(target, true, BY)
    if (failures >= (this.#health?.failures ?? 1)) log.info({ ...idOf(level), target }, 'target.back')
  }

  #failed(target: string, { failures: most }: HealthCheck, code: string): void {
    const { level, log } = this.#options
    const failures = (this.#failures.get(target) ?? 0) + 1
    this.#failures.set(target, failures)
    if (failures !== most) return
    level.targets.setUp(target, false, BY)
    log.warn({ ...idOf(level), target, code }, 'target.down')
  }
}

const idOf = ({ kind, record }: LiveTunnel | LiveHost): Record<string, number> => ({ [kind]: record.id })

const isSame = (one: HealthCheck | undefined, other: HealthCheck | undefined): boolean =>
  JSON.stringify(one) === JSON.stringify(other)
