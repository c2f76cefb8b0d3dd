import { type Conn, refuse } from '@sluice/net'
import {
  type Account,
  codeOf,
  type Directory,
  type ErrorCode,
  type Handshake,
  type ServedRequest,
  ServiceError,
  type Serving,
} from '@sluice/service'
import { type Address, decodeCompatHead } from '@sluice/wire'
import { compatRefusal } from './compat-answer.ts'
import { CompatClient } from './compat-client.ts'
import type { CompatSettings } from './settings.ts'

/**
 * The way in for clients of the original, on a listener of its own; docs/protocols/https-proxy-compat.md. It reads the
 * start of the first request, so that whoever speaks another protocol is no session.
 */
export const compatHandshake = (settings: CompatSettings): Handshake => {
  return async (reader, directory) => {
    const { length } = await reader.read(decodeCompatHead)
    try {
      const account = settings.accountFor(directory, reader.client)
      return new CompatConnection(reader.conn, account, length, settings)
    } catch (error) {
      await refuse(reader.conn, compatRefusal(codeOf(error)).frame)
      throw error
    }
  }
}

export interface CompatAccess {
  /** Name of the user whose requests they all are. */
  readonly user: string | undefined
  /** Whether guests may come in. */
  readonly isOpen: () => boolean
}

/** The protocol has no login: its requests are those of one user, or of guests where the door is open. */
export const compatAccount =
  ({ user, isOpen }: CompatAccess) =>
  (directory: Directory, _client: Address): Account => {
    const account = user === undefined ? undefined : directory.byName(user)
    if (account !== undefined) return account
    if (user === undefined && isOpen()) return directory.guest
    throw new ServiceError(user === undefined ? 'AUTH_REQUIRED' : 'USER_REMOVED')
  }

class CompatConnection implements ServedRequest {
  readonly protocol = 'compat'
  readonly target: Address | undefined = undefined
  readonly account: Account
  readonly #conn: Conn
  readonly #length: number
  readonly #settings: CompatSettings

  constructor(conn: Conn, account: Account, length: number, settings: CompatSettings) {
    this.#conn = conn
    this.account = account
    this.#length = length
    this.#settings = settings
  }

  reject(code: ErrorCode): Promise<void> {
    return refuse(this.#conn, compatRefusal(code).frame)
  }

  serve(session: Serving): Promise<void> {
    return new CompatClient(session, this.#settings).run(this.#length)
  }
}
