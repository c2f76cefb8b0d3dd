import type { SsUser } from './ss-user.ts'

/** Behind one address there may be many users: of those so many are tried at once. */
const PER_ADDRESS = 8
const MAX_ADDRESSES = 65_536

/** The users of a port in the order in which their keys are worth a try: by client address, and by their last use. */
export class UseOrder {
  /** The last used one last. */
  readonly #users = new Set<SsUser>()
  /** The address that was heard of last is last; of its users the last one first. */
  readonly #byAddress = new Map<string, readonly SsUser[]>()

  get size(): number {
    return this.#users.size
  }

  /** These are the users from now on; those who are new were used before all others. */
  set(users: readonly SsUser[]): void {
    const before = new Set(this.#users)
    const wanted = new Set(users)
    this.#users.clear()
    for (const user of users.toReversed()) if (!before.has(user)) this.#users.add(user)
    for (const user of before) if (wanted.has(user)) this.#users.add(user)
  }

  /** Who came from this address last, and before that. */
  at(ip: string): readonly SsUser[] {
    return this.#byAddress.get(ip) ?? []
  }

  /** All of them, the last used one last. */
  all(): SsUser[] {
    return [...this.#users]
  }

  /** This user has come in from there. */
  used(user: SsUser, ip: string): void {
    if (!this.#users.delete(user)) return
    this.#users.add(user)
    const here = this.at(ip)
    const others =
      here[0] === user ? here : [user, ...here.filter((each) => each !== user && this.#users.has(each))]
    this.#byAddress.delete(ip)
    this.#byAddress.set(ip, others.length > PER_ADDRESS ? others.slice(0, PER_ADDRESS) : others)
    if (this.#byAddress.size > MAX_ADDRESSES) this.#byAddress.delete(this.#byAddress.keys().next().value!)
  }
}
