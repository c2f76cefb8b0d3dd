import { createHash } from 'node:crypto'
import type { Share, Shaper } from '@sluice/ratelimit'
import { PasswordVerifier, type StoreChange, type User, type UserStore } from '@sluice/userstore'
import { Account, type AccountDefaults } from './account.ts'
import { type Bearer, Bearers, type Taken } from './bearers.ts'
import type { DeviceRules } from './devices.ts'
import { ServiceError } from './errors.ts'
import type { SignInGuard } from './sign-in-guard.ts'

export interface DirectoryOptions {
  readonly store: UserStore
  readonly shaper: Shaper
  /** Where the node's limits are, if not in `shaper`: see `nodeShare`. */
  readonly node?: Shaper | undefined
  readonly defaults?: AccountDefaults
  /** When a client address is one of its user's devices; may change while they are here. @default always */
  readonly devices?: DeviceRules
  readonly verifier?: PasswordVerifier
  /** How many passwords may be tried; any number where there is none. */
  readonly guard?: SignInGuard
  /** Wall clock. @default Date.now */
  readonly now?: () => number
  /** The store can be read no more, for now: the users stay as they were. */
  readonly onError: (error: unknown) => void
  /** A user has what another has already, told once. @default nobody is told */
  readonly onTaken?: (taken: Taken) => void
}

/** Of nobody: no user of a store has an empty id or name. */
const GUEST: User = { id: '', name: '', enabled: true, limits: {}, credentials: [] }

/** The live view of the users: follows the store, and knows who is who. */
export class Directory {
  /** An account wants the ledger's attention now. */
  onAttention: () => void = () => {}
  /** For all together who are nobody's user, at a door that lets them in: in no list and no ledger, with the defaults alone. */
  readonly guest: Account
  readonly #options: DirectoryOptions
  readonly #verifier: PasswordVerifier
  readonly #now: () => number
  readonly #byId = new Map<string, Account>()
  readonly #byName = new Map<string, Account>()
  readonly #bearers: Bearers
  /** Accounts that may have something to book. */
  readonly #active = new Set<Account>()
  readonly #followers = new Set<() => void>()
  /** One for all accounts. */
  readonly #attend = (): void => this.onAttention()
  #watch: Disposable | undefined = undefined
  #defaults: AccountDefaults

  constructor(options: DirectoryOptions) {
    this.#options = options
    this.#defaults = options.defaults ?? {}
    this.#verifier = options.verifier ?? new PasswordVerifier()
    this.#now = options.now ?? Date.now
    this.#bearers = new Bearers((taken) => options.onTaken?.(taken))
    this.guest = new Account(GUEST, options.shaper, this.#defaults, () => {})
  }

  /** Reads the users and follows them from then on. */
  async start(): Promise<void> {
    const { store, onError } = this.#options
    this.#watch = store.watch((change) => this.#follow(change), onError)
    await this.refresh()
  }

  /** Reads the users now: what was written into the store before this call is known after it. */
  async refresh(): Promise<void> {
    const { users, used } = await this.#options.store.list()
    const present = new Set(users.map(({ id }) => id))
    const removed = [...this.#byId.keys()].filter((id) => !present.has(id))
    this.#follow({ users, removed, used })
  }

  stop(): void {
    this.#watch?.[Symbol.dispose]()
    this.#verifier.close()
  }

  get size(): number {
    return this.#byId.size
  }

  /** Accounts with sessions, or with bytes that are not booked yet. */
  get active(): ReadonlySet<Account> {
    return this.#active
  }

  accounts(): Iterable<Account> {
    return this.#byId.values()
  }

  /** Tells when users were added, changed or removed, once for all that changed together. */
  watch(onChange: () => void): Disposable {
    this.#followers.add(onChange)
    return { [Symbol.dispose]: () => void this.#followers.delete(onChange) }
  }

  /** Of several doors in one process each has its own: what is not among these stays as it is. */
  setDefaults(defaults: AccountDefaults): void {
    this.#defaults = { ...this.#defaults, ...defaults }
    for (const account of [this.guest, ...this.#byId.values()]) account.setDefaults(this.#defaults)
  }

  byId(id: string): Account | undefined {
    return this.#byId.get(id)
  }

  /** For a protocol without a login, whose clients are all one user's. A disabled user is found as well. */
  byName(name: string): Account | undefined {
    return this.#byName.get(name)
  }

  /** Whose NodeID (Base58) it is. A disabled user is found as well. */
  byNodeId(nodeId: string): Bearer | undefined {
    return this.#bearers.find('nodeId', nodeId)
  }

  /**
   * Whose token it is. Tokens have 128 random bits and more, so nobody can try them one by one: a plain SHA-256 keeps
   * them as a slow hash keeps passwords, and one look costs the same whether it is anybody's or not.
   */
  byToken(token: Uint8Array): Bearer | undefined {
    return this.#bearers.find('token', createHash('sha256').update(token).digest('hex'))
  }

  /**
   * Who signs in with this name and password from the address `ip`, at once where the password is remembered: then no
   * failures of others stand in the way either. A disabled user is still who they are; whether they may come in is for
   * `Account.enter` to say.
   * @throws ServiceError AUTH_FAILED, AUTH_LIMIT, AUTH_USER_LIMIT; StoreError AUTH_BUSY
   */
  signIn(username: Uint8Array, password: Uint8Array, ip: string): Account | Promise<Account> {
    const name = Buffer.from(username.buffer, username.byteOffset, username.length).toString()
    const account = this.#byName.get(name)
    const hash = account === undefined ? undefined : passwordHash(account.user)
    const { guard } = this.#options
    const attempt = {
      // With the name: guesses at names that are nobody's have one hash, and counted as one they would tell who exists.
      from: `${ip} ${name}`,
      admit: (): void => guard?.check(ip, name, account?.isAt(ip) ?? false),
      failed: (): void => guard?.failed(ip, name),
    }
    const right =
      hash === undefined
        ? this.#verifier.verifyUnknown(password, attempt)
        : this.#verifier.verify(hash, password, attempt)
    if (right === true && account !== undefined) {
      guard?.passed(ip)
      return account
    }
    return Promise.resolve(right).then((late) => {
      // The password may have been changed while the check ran.
      if (!late || account === undefined || passwordHash(account.user) !== hash) {
        throw new ServiceError('AUTH_FAILED')
      }
      guard?.passed(ip)
      return account
    })
  }

  /**
   * What the user has of the node's limits, where those of users stand apart from it. Payload of two users passes both,
   * and the node once: as whose it does so is for the door to say.
   */
  nodeShare(account: Account): Share | undefined {
    return this.#options.node?.user(account.user.id)
  }

  /** From now on the ledger looks at this account. */
  touch(account: Account): void {
    if (account !== this.guest) this.#active.add(account)
  }

  /** The ledger found nothing left to book. */
  settle(account: Account): void {
    this.#active.delete(account)
  }

  #follow(change: StoreChange): void {
    for (const user of change.users) this.#put(user)
    for (const id of change.removed) this.#remove(id)
    for (const used of change.used) this.#byId.get(used.userId)?.setUsed(used)
    if (change.users.length + change.removed.length === 0) return
    this.#bearers.report()
    for (const tell of this.#followers) tell()
  }

  #put(user: User): void {
    const known = this.#byId.get(user.id)
    if (known === undefined) {
      const { shaper, devices } = this.#options
      const account = new Account(user, shaper, this.#defaults, this.#attend, devices)
      this.#byId.set(user.id, account)
      this.#byName.set(user.name, account)
      this.#bearers.put(account)
      return
    }
    this.#forgetName(known)
    this.#byName.set(user.name, known)
    known.update(user, this.#now())
    this.#bearers.put(known)
  }

  #remove(id: string): void {
    const account = this.#byId.get(id)
    if (account === undefined) return
    this.#byId.delete(id)
    this.#forgetName(account)
    account.removed = true
    account.cut('USER_REMOVED')
    this.#bearers.remove(account)
    this.#options.shaper.remove(id)
    this.#options.node?.remove(id)
  }

  /** Unless another user has taken the name in the same change. */
  #forgetName(account: Account): void {
    const { name } = account.user
    if (this.#byName.get(name) === account) this.#byName.delete(name)
  }
}

const passwordHash = (user: User): string | undefined =>
  user.credentials.find((credential) => credential.kind === 'password')?.hash
