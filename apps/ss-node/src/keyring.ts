import type { SsKey } from '@sluice/wire/shadowsocks'
import { trialBytes } from '@sluice/wire/shadowsocks'
import type { PortPlan } from './plan.ts'
import { type SsUser, textOf } from './ss-user.ts'
import { UseOrder } from './use-order.ts'

/** Who can come in by one port, and how they are told apart. It outlives its users: a change touches nobody's conns. */
export class Keyring {
  /** Everybody, in the order in which to try them. */
  readonly order: UseOrder = new UseOrder()
  #users: readonly SsUser[] = []
  #byHash: ReadonlyMap<string, SsUser> = new Map()
  #serverKey: SsKey | undefined = undefined
  #headBytes = 0

  /** The keys of `users` are best there already, see {@link SsUser.key}. */
  set({ users, serverKey }: PortPlan): void {
    this.#users = users
    this.#serverKey = serverKey
    this.#byHash = new Map(serverKey && users.map((user) => [user.hash, user]))
    this.order.set(users)
    this.#headBytes = Math.max(0, ...new Set(users.map(({ method }) => trialBytes(method))))
  }

  get users(): readonly SsUser[] {
    return this.#users
  }

  /** Where clients say in an identity header who they are: the key that it stands under. */
  get serverKey(): SsKey | undefined {
    return this.#serverKey
  }

  /** Whom the port belongs to, where that is one user alone. */
  get owner(): SsUser | undefined {
    return this.#serverKey === undefined && this.#users.length === 1 ? this.#users[0] : undefined
  }

  /** How much of a request it takes to try all keys. */
  get headBytes(): number {
    return this.#headBytes
  }

  /** @param hash as an identity header has it */
  byIdentity(hash: Uint8Array): SsUser | undefined {
    return this.#byHash.get(textOf(hash))
  }
}
