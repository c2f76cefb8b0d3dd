import { NetError } from '@sluice/net'
import { type Address, parseAddress } from '@sluice/wire'
import type { Balance } from './records.ts'

/** What a tunnel or host says of its targets. */
export interface TargetList {
  readonly targets: readonly string[]
  readonly balance: Balance
}

/** The target that somebody is led to. */
export interface Picked {
  /** That of now: see `next`. */
  readonly address: Address
  /** How many `next` can still go on to. */
  readonly others: number
  /** Goes on to another one that was not tried yet. @returns false: there is none */
  next(): boolean
  /** The visitor has left. To be called once. */
  release(): void
}

interface Target {
  readonly text: string
  readonly address: Address
  visitors: number
  /** Who found that it is down. */
  readonly downBy: Set<string>
}

/** `host:port`, or a port of the client's loopback. @throws WireError WIRE_ADDRESS */
export const parseTarget = (text: string): Address =>
  /^\d{1,5}$/.test(text) ? parseAddress(`127.0.0.1:${text}`) : parseAddress(text)

/** Takes turns among the targets of one tunnel or host. Those that are down are left out, unless all are. */
export class TargetPicker {
  readonly #list: () => TargetList
  #texts: readonly string[] = []
  #targets: readonly Target[] = []
  #next = 0
  readonly #choice: Choice = { able: () => this.#able(), oneOf: (targets) => this.#oneOf(targets) }

  /** @param list as it is now */
  constructor(list: () => TargetList) {
    this.#list = list
  }

  /** @throws NetError DIAL_FAILED where there is none */
  pick(): Picked {
    const target = this.#oneOf(this.#able())
    if (target === undefined) throw new NetError('DIAL_FAILED', 'there is no target')
    return new Pick(target, this.#choice)
  }

  /** @param by who says so: a target is down for as long as anybody finds it down */
  setUp(text: string, isUp: boolean, by: string): void {
    const target = this.#refreshed().find((each) => each.text === text)
    if (isUp) target?.downBy.delete(by)
    else target?.downBy.add(by)
  }

  /** Texts of those that are down. */
  get down(): string[] {
    return this.#refreshed().flatMap(({ text, downBy }) => (downBy.size > 0 ? [text] : []))
  }

  #able(): readonly Target[] {
    const targets = this.#refreshed()
    const up = targets.filter(({ downBy }) => downBy.size === 0)
    return up.length > 0 ? up : targets
  }

  #oneOf(targets: readonly Target[]): Target | undefined {
    if (targets.length < 2) return targets[0]
    const start = (this.#next = (this.#next + 1) % targets.length)
    if (this.#list().balance === 'roundRobin') return targets[start]
    let least = targets[start]!
    for (let i = 1; i < targets.length; i += 1) {
      const other = targets[(start + i) % targets.length]!
      if (other.visitors < least.visitors) least = other
    }
    return least
  }

  /** What stays in the list keeps its visitors and its state. */
  #refreshed(): readonly Target[] {
    const { targets: texts } = this.#list()
    if (texts === this.#texts) return this.#targets
    const known = new Map(this.#targets.map((target) => [target.text, target]))
    this.#targets = texts.map(
      (text) => known.get(text) ?? { text, address: parseTarget(text), visitors: 0, downBy: new Set() },
    )
    this.#texts = texts
    return this.#targets
  }
}

/** Where a visitor may be led instead, as it is now. */
interface Choice {
  able(): readonly Target[]
  oneOf(targets: readonly Target[]): Target | undefined
}

/** One visitor's way through the targets. */
class Pick implements Picked {
  readonly #choice: Choice
  #target: Target
  /** Made with the first that is left behind: mostly there is none. */
  #tried: Set<Target> | undefined = undefined
  #isReleased = false

  constructor(target: Target, choice: Choice) {
    this.#target = target
    this.#choice = choice
    target.visitors += 1
  }

  get address(): Address {
    return this.#target.address
  }

  get others(): number {
    return this.#untried().length
  }

  next(): boolean {
    const target = this.#choice.oneOf(this.#untried())
    if (target === undefined) return false
    this.#tried ??= new Set()
    this.#tried.add(this.#target)
    this.#target.visitors -= 1
    this.#target = target
    target.visitors += 1
    return true
  }

  release(): void {
    this.#isReleased = true
    this.#target.visitors -= 1
  }

  #untried(): readonly Target[] {
    if (this.#isReleased) return []
    return this.#choice.able().filter((each) => each !== this.#target && this.#tried?.has(each) !== true)
  }
}
