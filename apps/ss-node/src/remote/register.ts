import { isDeepStrictEqual } from 'node:util'
import type { Account, Program } from '@sluice/service'
import type { NewUser, StoreChange, Used, User, UserPatch } from '@sluice/userstore'
import { RemoteError } from './remote-error.ts'

/** Who asked for a change. */
export type Manager = 'grpc' | 'manager' | 'ssm'

export type RegisterProgram = Pick<Program, 'store' | 'directory'> & { log: Pick<Program['log'], 'info'> }

const NOTHING: Omit<Used, 'userId'> = { up: 0, down: 0, period: 'all' }

/**
 * The users as those who manage them from afar see them: what they change is so at once for whatever they ask next, while
 * the directory hears of it from the store a moment later. Each change leaves a line in the log.
 */
export class Register implements Disposable {
  readonly #program: RegisterProgram
  readonly #byId = new Map<string, User>()
  readonly #byName = new Map<string, User>()
  readonly #used = new Map<string, Used>()
  #watch: Disposable | undefined = undefined

  /** @throws StoreError */
  static async open(program: RegisterProgram): Promise<Register> {
    const register = new Register(program)
    const { store } = program
    // Errors of the watch are the directory's to tell.
    register.#watch = store.watch(
      (change) => register.#follow(change),
      () => {},
    )
    const { users, used } = await store.list()
    register.#follow({ users, removed: [], used })
    return register
  }

  private constructor(program: RegisterProgram) {
    this.#program = program
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]()
  }

  users(): Iterable<User> {
    return this.#byId.values()
  }

  byId(id: string): User | undefined {
    return this.#byId.get(id)
  }

  byName(name: string): User | undefined {
    return this.#byName.get(name)
  }

  /** Bytes booked in the user's present period, at most 2 s old. */
  used({ id }: User): { readonly up: number; readonly down: number } {
    return this.#used.get(id) ?? NOTHING
  }

  /** The user's sessions; undefined as long as the directory has not heard of them. */
  account({ id }: User): Account | undefined {
    return this.#program.directory.byId(id)
  }

  /** @throws StoreError */
  async add(manager: Manager, user: NewUser): Promise<User> {
    const added = await this.#program.store.add(user)
    this.#put(added)
    this.#tell(manager, 'added', user.name)
    return added
  }

  /** Adds a user, or changes the one who has the name. @throws StoreError */
  async put(manager: Manager, { name, ...rest }: NewUser): Promise<User> {
    if (this.#byName.has(name)) return this.change(manager, name, rest)
    try {
      return await this.add(manager, { name, ...rest })
    } catch (error) {
      // Somebody else was faster.
      if (Object(error).code !== 'USER_EXISTS') throw error
      return this.change(manager, name, rest)
    }
  }

  /** Writes nothing where nothing changes. @throws StoreError; RemoteError UNKNOWN */
  async change(manager: Manager, name: string, patch: UserPatch): Promise<User> {
    const known = this.#byName.get(name)
    if (known !== undefined && isAlready(known, patch)) return known
    const user = await this.#program.store.update(name, patch)
    this.#put(user)
    this.#tell(manager, 'changed', name)
    return user
  }

  /** @throws StoreError; RemoteError UNKNOWN */
  async remove(manager: Manager, name: string): Promise<void> {
    const user = this.#byName.get(name)
    if (user === undefined) throw new RemoteError('UNKNOWN', `no user is named ${JSON.stringify(name)}`)
    await this.#program.store.remove(name)
    this.#forget(user.id)
    this.#tell(manager, 'removed', name)
  }

  #tell(manager: Manager, change: string, name: string): void {
    this.#program.log.info({ by: manager, change, name }, 'user.changed')
  }

  #follow({ users, removed, used }: StoreChange): void {
    for (const id of removed) this.#forget(id)
    for (const user of users) this.#put(user)
    for (const each of used) if (this.#byId.has(each.userId)) this.#used.set(each.userId, each)
  }

  #put(user: User): void {
    this.#byId.set(user.id, user)
    this.#byName.set(user.name, user)
  }

  #forget(id: string): void {
    const user = this.#byId.get(id)
    if (user === undefined) return
    this.#byId.delete(id)
    this.#used.delete(id)
    // Unless another has taken the name.
    if (this.#byName.get(user.name)?.id === id) this.#byName.delete(user.name)
  }
}

function isAlready(user: User, { limits = {}, ...rest }: UserPatch): boolean {
  return isWithin(user, rest) && isWithin(user.limits, limits)
}

/** Whether nothing of `patch` would change `values`: null and nothing are the same. */
function isWithin(values: object, patch: object): boolean {
  return Object.entries(patch).every(
    ([key, wanted]) => wanted === undefined || isDeepStrictEqual(Reflect.get(values, key) ?? null, wanted),
  )
}
