import { type Conn, type Reader, refuse } from '@sluice/net'
import {
  type Handshake,
  type Request,
  type ServedRequest,
  ServiceError,
  type SignInGuard,
} from '@sluice/service'
import type { Address } from '@sluice/wire'
import {
  decodeMd5Hex,
  decodeNpcHello,
  decodeNpcPurpose,
  encodeNpcVerdict,
  NPC_CORE_VERSION,
  NPC_CORE_VERSION_MD5,
  type NpcPurpose,
} from '@sluice/wire/npc'
import type { LiveClient, Registry } from '../registry.ts'
import { hashOfMd5 } from '../secret-hash.ts'

/** A conn whose program has shown a key, and has said what it is for. */
export interface NpcArrival {
  readonly conn: Conn
  /** Whose key it is. */
  readonly client: LiveClient
  /** What the store keeps of that key. */
  readonly keyHash: string
  readonly purpose: NpcPurpose
  /** Of the program, as it says. */
  readonly version: string
  /** Where it comes from, a balancer in front aside. */
  readonly from: Address
}

export interface NpcHandshakeParts {
  readonly registry: Pick<Registry, 'byVkeyHash' | 'ownerOf'>
  readonly guard: SignInGuard
  /** @throws ServiceError */
  readonly requestOf: (arrival: NpcArrival) => Request | ServedRequest
  /** Wall clock, ms since 1970. @default Date.now */
  readonly wallNow?: () => number
}

const NOTHING = new Uint8Array(0)
const OUR_CORE = Buffer.from(NPC_CORE_VERSION_MD5)
const RIGHT = encodeNpcVerdict(true)
const WRONG = encodeNpcVerdict(false)

/**
 * Lets programs in that show the key of a client. Who is no such program is told nothing, and whose key is nobody's only
 * that, in the same words and by the same steps as whose key is void.
 */
export const createNpcHandshake =
  (parts: NpcHandshakeParts): Handshake =>
  async (reader) => {
    let words: Uint8Array = NOTHING
    try {
      const version = await hello(reader, parts.guard)
      const keyMd5 = await reader.read(decodeMd5Hex)
      words = WRONG
      const keyHash = hashOfMd5(keyMd5)
      const client = signIn(keyHash, reader.client.host, parts)
      words = NOTHING
      reader.conn.write(RIGHT)
      const purpose = await reader.read(decodeNpcPurpose)
      // Whoever guesses passwords of tunnels has a key, and must not have the guesses forgotten by it.
      if (!('passwordMd5' in purpose)) parts.guard.passed(reader.client.host)
      return parts.requestOf({ conn: reader.conn, client, keyHash, purpose, version, from: reader.client })
    } catch (error) {
      await refuse(reader.release(), words)
      throw error
    }
  }

/** @returns the version of the program */
const hello = async (reader: Reader, guard: SignInGuard): Promise<string> => {
  const { core, release } = await reader.read(decodeNpcHello)
  // Who has to wait is not told that its key is wrong: programs do not try again after that.
  guard.check(reader.client.host, '', true)
  if (core !== NPC_CORE_VERSION) throw new ServiceError('PROTOCOL_UNSUPPORTED')
  reader.conn.write(OUR_CORE)
  return release
}

/** @throws ServiceError AUTH_FAILED, USER_DISABLED, USER_EXPIRED */
const signIn = (
  keyHash: string,
  ip: string,
  { registry, guard, wallNow = Date.now }: NpcHandshakeParts,
): LiveClient => {
  const client = registry.byVkeyHash(keyHash)
  if (client === undefined) {
    guard.failed(ip, '')
    throw new ServiceError('AUTH_FAILED')
  }
  checkMayCome(client, registry, wallNow())
  return client
}

/**
 * A quota that is used up is no reason: it is visitors who are turned away then.
 * @throws ServiceError USER_DISABLED, USER_EXPIRED
 */
export const checkMayCome = (client: LiveClient, registry: Pick<Registry, 'ownerOf'>, now: number): void => {
  for (const account of [client.account, registry.ownerOf(client)]) {
    const state = account.state(now)
    if (state === 'disabled') throw new ServiceError('USER_DISABLED')
    if (state === 'expired') throw new ServiceError('USER_EXPIRED')
  }
}
