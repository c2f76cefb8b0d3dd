import type { Credential, User } from '@sluice/userstore'
import type { Account } from './account.ts'

type BearerKind = 'nodeId' | 'token'

/** A NodeID or a token of a user, for as long as it is theirs: give it to the session that came in by it. */
export class Bearer {
  readonly account: Account
  readonly kind: BearerKind
  /** Whether it still says who they are: it may have been taken away since it was found. */
  isValid = false
  /** @internal Nobody else has one like it. */ readonly key: string
  /** @internal Of its account, in the directory. */ readonly place: number
  /** @internal That another user has it was told. */ told = false

  /** @internal */
  constructor(account: Account, kind: BearerKind, key: string, place: number) {
    this.account = account
    this.kind = kind
    this.key = key
    this.place = place
  }
}

/** Two users have one NodeID or token, which can tell of no more than one of them. */
export interface Taken {
  readonly kind: BearerKind
  /** Who cannot come in by it. */
  readonly user: string
  /** Who has it. */
  readonly holder: string
}

interface Known {
  readonly place: number
  credentials: User['credentials']
  bearers: ReadonlyMap<string, Bearer>
}

const NONE: User['credentials'] = []

/**
 * Who comes in by which NodeID or token. Where several users have the same, it is the first of them in the directory;
 * sessions that came in by what is void, or another's, are cut.
 */
export class Bearers {
  /** All who have it, by their place in the directory. */
  readonly #byKey = new Map<string, Bearer[]>()
  readonly #known = new Map<Account, Known>()
  /** Keys that several have. */
  readonly #contested = new Set<string>()
  readonly #onTaken: (taken: Taken) => void
  #places = 0

  constructor(onTaken: (taken: Taken) => void) {
    this.#onTaken = onTaken
  }

  find(kind: BearerKind, id: string): Bearer | undefined {
    return this.#byKey.get(`${kind} ${id}`)?.[0]
  }

  /** Takes over the credentials of an account as they are now. */
  put(account: Account): void {
    const { credentials } = account.user
    const known = this.#known.get(account) ?? this.#add(account)
    if (known.credentials === credentials) return
    const { bearers: before, place } = known
    const bearers = new Map<string, Bearer>()
    for (const [key, kind] of keysOf(credentials)) {
      bearers.set(key, before.get(key) ?? new Bearer(account, kind, key, place))
    }
    known.credentials = credentials
    known.bearers = bearers
    for (const [key, bearer] of before) if (!bearers.has(key)) this.#drop(bearer)
    for (const [key, bearer] of bearers) if (!before.has(key)) this.#claim(bearer)
  }

  remove(account: Account): void {
    for (const bearer of this.#known.get(account)?.bearers.values() ?? []) this.#drop(bearer)
    this.#known.delete(account)
  }

  /** Tells once of each user whose NodeID or token is another's. To be called after all that has changed together. */
  report(): void {
    for (const key of this.#contested) {
      const [holder, ...others] = this.#byKey.get(key)!
      for (const bearer of others) {
        if (bearer.told) continue
        bearer.told = true
        this.#onTaken({ kind: bearer.kind, user: nameOf(bearer), holder: nameOf(holder!) })
      }
    }
  }

  #add(account: Account): Known {
    const known: Known = { place: (this.#places += 1), credentials: NONE, bearers: new Map() }
    this.#known.set(account, known)
    return known
  }

  #claim(bearer: Bearer): void {
    const { key, place } = bearer
    const all = this.#byKey.get(key) ?? []
    const [before] = all
    const at = all.findIndex((other) => other.place > place)
    all.splice(at === -1 ? all.length : at, 0, bearer)
    this.#byKey.set(key, all)
    if (before !== undefined) this.#contested.add(key)
    if (all[0] !== bearer) return
    if (before !== undefined) retire(before)
    bearer.isValid = true
  }

  #drop(bearer: Bearer): void {
    const { key } = bearer
    const all = this.#byKey.get(key)!.filter((other) => other !== bearer)
    if (all.length < 2) this.#contested.delete(key)
    const [holder] = all
    if (holder === undefined) this.#byKey.delete(key)
    else {
      this.#byKey.set(key, all)
      holder.isValid = true
      holder.told = false
    }
    retire(bearer)
  }
}

const retire = (bearer: Bearer): void => {
  if (!bearer.isValid) return
  bearer.isValid = false
  bearer.account.cut('CREDENTIAL_CHANGED', bearer)
}

const nameOf = ({ account }: Bearer): string => account.user.name

function* keysOf(credentials: readonly Credential[]): Iterable<[string, BearerKind]> {
  for (const credential of credentials) {
    if (credential.kind === 'nodeId') yield [`nodeId ${credential.nodeId}`, 'nodeId']
    else if (credential.kind === 'token') yield [`token ${credential.hash}`, 'token']
  }
}
