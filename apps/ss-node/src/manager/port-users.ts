import type { User } from '@sluice/userstore'
import type { Register } from '../remote/register.ts'
import { asRemoteError, RemoteError } from '../remote/remote-error.ts'
import { checkedCredential, ssCredentialOf } from '../remote/ss-credential.ts'
import type { Command } from './command.ts'
import type { ManagedPort } from './dialect.ts'

const NAME = /^port-([1-9]\d{0,4})$/

/** How the user is called that a manager has added on a port. */
const nameOf = (port: number): string => `port-${port}`

/** The ports that managers have added, each a user of its own; those of other users are none of their business. */
export class PortUsers {
  readonly #register: Register

  constructor(register: Register) {
    this.#register = register
  }

  /** Adds the port, or changes its password and method. @throws RemoteError TAKEN and others; StoreError */
  async add({ port, password, method }: Extract<Command, { name: 'add' }>): Promise<void> {
    const name = nameOf(port)
    for (const user of this.#register.users()) {
      const isTaken = user.name !== name && ssCredentialOf(user)?.port === port
      if (isTaken) throw new RemoteError('TAKEN', `port ${port} is another user's`)
    }
    const credentials = [checkedCredential(port, method, password)]
    await this.#register.put('manager', { name, enabled: true, credentials })
  }

  /** Nothing happens where the port is not there. @throws StoreError */
  async remove(port: number): Promise<void> {
    try {
      await this.#register.remove('manager', nameOf(port))
    } catch (error) {
      if (asRemoteError(error)?.code !== 'UNKNOWN') throw error
    }
  }

  /** In the order in which they were added. */
  list(): ManagedPort[] {
    return [...this.#register.users()].map((user) => this.#portOf(user)).filter((port) => port !== undefined)
  }

  #portOf(user: User): ManagedPort | undefined {
    const [, written] = NAME.exec(user.name) ?? []
    const credential = ssCredentialOf(user)
    if (written === undefined || credential === undefined) return undefined
    const { up = 0, down = 0 } = this.#register.account(user)?.flow.read() ?? {}
    return {
      port: Number(written),
      password: credential.secret,
      method: credential.method,
      bytes: up + down,
    }
  }
}
