import type { Register } from '../remote/register.ts'
import { RemoteError } from '../remote/remote-error.ts'
import { checkedCredential, type SsCredential, ssCredentialOf } from '../remote/ss-credential.ts'
import { type KeyFinder, openStream } from './key-finder.ts'
import type { DecryptDataReq, FindAccessUserReq, UserIdReq, UserMessage } from './messages.ts'
import type { UserCalls } from './user-calls.ts'
import { userMessage } from './user-messages.ts'

const TRANSPORTS: ReadonlyMap<number, 'tcp' | 'udp'> = new Map([
  [1, 'tcp'],
  [2, 'udp'],
])

/** What gRPC asks about sealed bytes. */
export class KeyCalls {
  readonly #register: Register
  readonly #users: Pick<UserCalls, 'named'>
  readonly #finder: KeyFinder

  constructor(register: Register, users: Pick<UserCalls, 'named'>, finder: KeyFinder) {
    this.#register = register
    this.#users = users
    this.#finder = finder
  }

  /** @throws RemoteError INVALID, UNKNOWN, BUSY */
  async find(request: FindAccessUserReq, signal: AbortSignal): Promise<UserMessage> {
    const { port, method, data } = request
    const transport = TRANSPORTS.get(request.ts_protocol)
    if (transport === undefined) throw new RemoteError('INVALID', 'ts_protocol: wanted 1 (TCP) or 2 (UDP)')
    const user = await this.#finder.find({ port, method, transport, data }, signal)
    if (user === undefined) throw new RemoteError('UNKNOWN', `no user of port ${port} sealed this`)
    return userMessage(user, this.#register)
  }

  /** @throws RemoteError INVALID, UNKNOWN */
  decrypt(request: DecryptDataReq): { data: Uint8Array } {
    return { data: openStream(this.#credentialOf(request), request.data) }
  }

  #credentialOf({ user_id: userId, uuid, method, password }: DecryptDataReq): SsCredential {
    if (userId === 0 && uuid === '') return checkedCredential(undefined, method, password)
    const user =
      userId === 0 ? this.#register.byName(uuid) : this.#users.named({ user_id: userId } satisfies UserIdReq)
    const credential = user && ssCredentialOf(user)
    if (credential === undefined)
      throw new RemoteError('UNKNOWN', 'there is no such user with a Shadowsocks key')
    return checkedCredential(credential.port, credential.method, credential.secret)
  }
}
