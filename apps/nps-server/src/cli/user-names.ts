import type { UserStore } from '@sluice/userstore'

/** Names and ids of users; the user store is opened only for who asks. */
export class UserNames {
  readonly #open: () => Promise<UserStore>
  #store: UserStore | undefined = undefined
  #users: Promise<ReadonlyMap<string, string>> | undefined = undefined

  constructor(open: () => Promise<UserStore>) {
    this.#open = open
  }

  async idOf(name: string): Promise<string | undefined> {
    const names = await this.#names()
    return [...names].find(([, each]) => each === name)?.[0]
  }

  /** Undefined of who is gone. */
  async nameOf(id: string): Promise<string | undefined> {
    return (await this.#names()).get(id)
  }

  async close(): Promise<void> {
    await this.#store?.close()
  }

  #names(): Promise<ReadonlyMap<string, string>> {
    this.#users ??= this.#read()
    return this.#users
  }

  async #read(): Promise<ReadonlyMap<string, string>> {
    this.#store = await this.#open()
    const { users } = await this.#store.list()
    return new Map(users.map(({ id, name }) => [id, name]))
  }
}
