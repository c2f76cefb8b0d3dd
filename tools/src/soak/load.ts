import { setTimeout as sleep } from 'node:timers/promises'
import { Dice } from '../fuzz/dice.ts'
import type { Subject } from '../subject/subject.ts'
import type { Exchange, Plan, Tunnel } from './exchange.ts'
import type { Origin } from './origin.ts'
import { Tally } from './tally.ts'

const KB = 1000
const MB = 1000 * KB
const ENDLESS = 1e12
const HELD: Plan = { up: 0, down: 0, held: true }
const RETRY_MS = 100

export type UserName = 'short' | 'long' | 'halves' | 'aborts' | 'idle' | 'edited'

/** Opens a tunnel to the origin as a client of this user. @throws Error where the user is refused */
export type OpenTunnel = (user: UserName, dice: Dice) => Promise<Tunnel>

/** One user for each way to use the program, so that the usage of each can be told apart; with the flags they have. */
export const USERS: Readonly<Record<UserName, readonly string[]>> = {
  short: [],
  long: ['--up', '1MB/s', '--down', '2MB/s'],
  halves: [],
  aborts: ['--up', '1MB/s', '--down', '1MB/s'],
  idle: [],
  edited: ['--down', '1MB/s'],
}

const NAMES = Object.keys(USERS) as UserName[]
/** Whose exchanges end properly, all of them. */
const UNBROKEN = new Set<UserName>(['short', 'long', 'halves'])

const isThrough = ({ originGot }: Exchange): boolean => originGot > 0

/** Clients of all kinds, and the books on what they moved. */
export class Load {
  readonly tallies: Readonly<Record<UserName, Tally>>
  readonly faults: string[] = []
  readonly #subject: Subject
  readonly #origin: Origin
  readonly #openTunnel: OpenTunnel
  readonly #dice = new Dice(1)
  readonly #open = new Map<Exchange, UserName>()
  #over = false

  constructor(subject: Subject, origin: Origin, openTunnel: OpenTunnel) {
    this.#subject = subject
    this.#origin = origin
    this.#openTunnel = openTunnel
    const tallies = NAMES.map((name) => [name, new Tally()])
    this.tallies = Object.fromEntries(tallies) as Record<UserName, Tally>
  }

  /** Whether a connection of this user is through. */
  isServed(user: UserName): boolean {
    return [...this.#open].some(([{ clientGot }, name]) => name === user && clientGot > 0)
  }

  /** Exchanges that are over. */
  get played(): number {
    return NAMES.reduce((sum, name) => sum + this.tallies[name].ended + this.tallies[name].broken, 0)
  }

  /** Every user once, one after the other. */
  async warmUp(): Promise<void> {
    for (const user of NAMES) await this.exchange(user, { up: 100 * KB, down: 100 * KB })
  }

  /**
   * A steady mix of everything, until `stop`; what is under way then comes to its end.
   * @param clients who come with one short exchange after the other
   */
  start(clients: number): void {
    const dice = this.#dice
    this.#repeat(clients, 50, () => ['short', { up: dice.below(20 * KB), down: dice.below(100 * KB) }])
    this.#repeat(4, 0, () => ['long', { up: dice.below(1.5 * MB), down: dice.below(3 * MB) }])
    this.#repeat(2, 100, () => ['halves', { up: dice.below(MB), down: dice.below(MB), answersLast: true }])
    this.#repeat(2, 100, () => ['aborts', this.#aborted('client')])
    this.#repeat(2, 100, () => ['aborts', this.#aborted('origin')])
    this.#repeat(10, 0, () => ['idle', HELD])
    this.#repeat(1, 0, () => ['edited', { up: 0, down: ENDLESS }])
  }

  /** Opens connections that do nothing. Resolves when they are through, or after `ms`. */
  async hold(count: number, ms: number): Promise<void> {
    for (let held = 0; held < count; held += 1) void this.#tried('idle', HELD)
    for (let waited = 0; waited < ms && ![...this.#open.keys()].every(isThrough); waited += RETRY_MS)
      await sleep(RETRY_MS)
  }

  /** Begins no more, and breaks off what has no end of its own. */
  stop(): void {
    this.#over = true
    for (const [exchange] of this.#open)
      if (exchange.plan.held || exchange.plan.down === ENDLESS) exchange.reset()
  }

  /** Waits until everything is over, for `ms` at most. @returns what is not */
  async stuck(ms: number): Promise<string[]> {
    for (let waited = 0; waited < ms && this.#open.size > 0; waited += RETRY_MS) await sleep(RETRY_MS)
    return [...this.#open].map(([exchange, user]) => `${user}: does not end: ${JSON.stringify(exchange)}`)
  }

  /** One exchange. @throws Error where the user is refused */
  async exchange(user: UserName, plan: Plan): Promise<void> {
    const exchange = this.#origin.newExchange(plan)
    this.#open.set(exchange, user)
    try {
      await this.#origin.play(exchange, () => this.#openTunnel(user, this.#dice))
    } finally {
      this.#open.delete(exchange)
    }
    this.tallies[user].add(exchange, exchange.isEnded)
    if (exchange.garbled) this.faults.push(`${user}: other bytes arrived than were sent`)
    if (UNBROKEN.has(user) && !exchange.isEnded)
      this.faults.push(`${user}: broke off: ${JSON.stringify(exchange)}`)
  }

  #aborted(side: 'client' | 'origin'): Plan {
    return { up: MB, down: MB, breaks: { side, at: 1 + this.#dice.below(500 * KB) } }
  }

  /** `count` clients that do what `next` says, one thing after the other. */
  #repeat(count: number, pauseMs: number, next: () => [UserName, Plan]): void {
    const client = async (): Promise<void> => {
      while (!this.#over && this.#subject.running) {
        await this.#tried(...next())
        await sleep(pauseMs)
      }
    }
    for (let clients = 0; clients < count; clients += 1) void client()
  }

  /** Only the user who is disabled now and then may be refused. */
  async #tried(user: UserName, plan: Plan): Promise<void> {
    try {
      await this.exchange(user, plan)
    } catch (error) {
      if (user !== 'edited') this.faults.push(`${user}: ${String(error)}`)
      await sleep(RETRY_MS)
    }
  }
}
