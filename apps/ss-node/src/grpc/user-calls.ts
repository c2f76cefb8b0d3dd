import type { NewUser, User } from '@sluice/userstore'
import type { Register } from '../remote/register.ts'
import { RemoteError } from '../remote/remote-error.ts'
import type { RemotePorts } from '../remote/remote-ports.ts'
import { ssCredentialOf } from '../remote/ss-credential.ts'
import type { UserIdReq, UserMessage, UserReq, UserServerMessage } from './messages.ts'
import { changesOf, nameOf, serverMessage, type UserChanges, userMessage } from './user-messages.ts'

export interface UserCallsOptions {
  readonly register: Register
  readonly ports: Pick<RemotePorts, 'isServed'>
  /** Resolves after so many ms, or rejects when the call has ended. @internal */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Lists from elsewhere, whose users gRPC knows by the same numbers. */
const LISTS = ['panel', 'file'] as const
/** How long a port may take to open, and how often it is looked at. */
const OPEN_MS = 3000
const LOOK_MS = 50

/** What gRPC does to users. All throw RemoteError and StoreError. */
export class UserCalls {
  readonly #register: Register
  readonly #options: UserCallsOptions

  constructor(options: UserCallsOptions) {
    this.#options = options
    this.#register = options.register
  }

  async put(request: UserReq): Promise<UserMessage> {
    const known = this.#find(checkedId(request))
    if (known !== undefined) checkOwn(known, request)
    const changes = changesOf(request, known)
    const user = await (known === undefined
      ? this.#register.put('grpc', newUser(request, changes))
      : this.#register.change('grpc', known.name, changes))
    return userMessage(user, this.#register)
  }

  get(request: UserIdReq): UserMessage {
    return userMessage(this.named(request), this.#register)
  }

  async delete(request: UserIdReq): Promise<object> {
    await this.#register.remove('grpc', this.#own(request).name)
    return {}
  }

  list({ port, method, tcp_conn_num: most }: UserReq): { data: UserMessage[] } {
    const data: UserMessage[] = []
    for (const user of this.#register.users()) {
      const credential = ssCredentialOf(user)
      if (credential === undefined) continue
      if (port !== 0 && credential.port !== port) continue
      if (method !== '' && credential.method !== method.toLowerCase()) continue
      const message = userMessage(user, this.#register)
      if (most === 0 || message.tcp_conn_num <= most) data.push(message)
    }
    return { data }
  }

  server(request: UserIdReq): UserServerMessage {
    return this.#server(this.named(request))
  }

  /** Answers once the port is open, or after 3 s: it may be in use. */
  async start(request: UserIdReq, signal: AbortSignal): Promise<UserServerMessage> {
    const { name } = this.#own(request)
    await this.#register.change('grpc', name, { enabled: true })
    for (let waited = 0; ; waited += LOOK_MS) {
      const server = this.#server(this.named(request))
      if (server.is_running || waited >= OPEN_MS) return server
      await this.#options.sleep(LOOK_MS, signal)
    }
  }

  async stop(request: UserIdReq): Promise<object> {
    await this.#register.change('grpc', this.#own(request).name, { enabled: false })
    return {}
  }

  /** @throws RemoteError UNKNOWN, INVALID */
  named(request: UserIdReq): User {
    const user = this.#find(checkedId(request))
    if (user === undefined) throw new RemoteError('UNKNOWN', `there is no user ${request.user_id}`)
    return user
  }

  #server(user: User): UserServerMessage {
    return serverMessage(user, this.#register, this.#options.ports.isServed(user.id))
  }

  #own(request: UserIdReq): User {
    const user = this.named(request)
    checkOwn(user, request)
    return user
  }

  #find(userId: number): User | undefined {
    const register = this.#register
    const listed = (): User | undefined =>
      LISTS.map((list) => register.byId(`${list}:${userId}`)).find(Boolean)
    return register.byName(nameOf(userId)) ?? listed()
  }
}

const checkedId = ({ user_id: id }: UserIdReq): number => {
  if (id > 0) return id
  throw new RemoteError('INVALID', 'user_id: wanted 1 or more')
}

const checkOwn = ({ owner }: User, { user_id: userId }: UserIdReq): void => {
  if (owner === undefined) return
  throw new RemoteError('OWNED', `user ${userId} comes from the ${owner}, and is changed there`)
}

const newUser = ({ user_id: id }: UserIdReq, { limits, expiresAt, ...rest }: UserChanges): NewUser => ({
  ...rest,
  name: nameOf(id),
  limits: Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== null)),
  ...(typeof expiresAt === 'number' && { expiresAt }),
})
