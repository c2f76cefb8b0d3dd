import type { User } from '@sluice/userstore'
import type { Register } from '../remote/register.ts'
import { RemoteError } from '../remote/remote-error.ts'
import type { RemotePorts, SharedPort } from '../remote/remote-ports.ts'
import { checkedCredential, type SsCredential, ssCredentialOf } from '../remote/ss-credential.ts'

/** The users of the port that users share. */
export class SsmUsers {
  readonly #register: Register
  readonly #ports: Pick<RemotePorts, 'shared'>

  constructor(register: Register, ports: Pick<RemotePorts, 'shared'>) {
    this.#register = register
    this.#ports = ports
  }

  /** @throws RemoteError UNSUPPORTED */
  list(): User[] {
    const shared = this.#shared()
    return [...this.#register.users()].filter((user) => isOn(shared, ssCredentialOf(user)))
  }

  /** @throws RemoteError UNKNOWN, UNSUPPORTED */
  get(name: string): User & { readonly secret: string } {
    const user = this.#register.byName(name)
    const credential = user && ssCredentialOf(user)
    if (user === undefined || !isOn(this.#shared(), credential)) {
      throw new RemoteError('UNKNOWN', 'user not found')
    }
    return { ...user, secret: credential!.secret }
  }

  /** @throws RemoteError, StoreError */
  async add(name: string, secret: string): Promise<void> {
    const { port, isUsual, method } = this.#shared()
    const credential = checkedCredential(isUsual ? undefined : port, method, secret)
    await this.#register.add('ssm', { name, credentials: [credential] })
  }

  /** @throws RemoteError, StoreError */
  async setSecret(name: string, secret: string): Promise<void> {
    const user = this.get(name)
    const credential = ssCredentialOf(user)!
    if (secret === credential.secret) throw new RemoteError('INVALID', 'uPSK: is the same as before')
    const changed = checkedCredential(credential.port, credential.method, secret)
    const credentials = user.credentials.map((each) => (each === credential ? changed : each))
    await this.#register.change('ssm', name, { credentials })
  }

  /** @throws RemoteError, StoreError */
  async remove(name: string): Promise<void> {
    await this.#register.remove('ssm', this.get(name).name)
  }

  #shared(): SharedPort {
    const shared = this.#ports.shared()
    if (shared === undefined) throw new RemoteError('UNSUPPORTED', 'no port is shared by users')
    return shared
  }
}

const isOn = ({ port, isUsual }: SharedPort, credential: SsCredential | undefined): boolean =>
  credential !== undefined && (credential.port === port || (isUsual && credential.port === undefined))
