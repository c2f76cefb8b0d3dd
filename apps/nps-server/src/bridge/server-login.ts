import { randomBytes, verify } from 'node:crypto'
import { type Conn, keyingMaterial, type Reader, refuse, whenSecure } from '@sluice/net'
import {
  codeOf,
  type ErrorCode,
  type IdentityKey,
  OUTCOMES,
  publicKeyOf,
  ServiceError,
  type SignInGuard,
} from '@sluice/service'
import {
  BRIDGE_EXPORTER_LABEL,
  BRIDGE_KEYING_BYTES,
  BRIDGE_VERDICT,
  BRIDGE_VERSION,
  type BridgeChallenge,
  type BridgeInfo,
  type BridgeLogin,
  type BridgeTerms,
  clientTranscript,
  decodeBridgeLogin,
  encodeBridgeChallenge,
  encodeBridgeVerdict,
  MAX_BRIDGE_JSON_BYTES,
  readBridgeInfo,
  serverTranscript,
} from '@sluice/wire/bridge'
import type { LiveClient, Registry } from '../registry.ts'
import { keyText } from './keys.ts'

export interface LoginParts {
  readonly identity: IdentityKey
  readonly registry: Pick<Registry, 'byPublicKey' | 'watch'>
  readonly guard: SignInGuard
  /** How long a login that is of no use waits for its answer, ms: a client that was just added comes in meanwhile. */
  readonly patienceMs: number
  /** Wall clock, ms since 1970. */
  readonly now: () => number
}

/** Who has proven to be there, and how to answer them. */
export interface ProvenClient {
  readonly client: LiveClient
  readonly key: string
  readonly info: BridgeInfo
  readonly words: Words
}

/** More than any login, by one octet. */
const MAX_LOGIN_BYTES = 1 + 32 + 32 + 2 + MAX_BRIDGE_JSON_BYTES + 64 + 1

/** Answers to one login. */
export class Words {
  readonly #identity: IdentityKey
  readonly #challenge: BridgeChallenge
  readonly #login: BridgeLogin
  readonly #keying: Uint8Array

  constructor(identity: IdentityKey, challenge: BridgeChallenge, login: BridgeLogin, keying: Uint8Array) {
    this.#identity = identity
    this.#challenge = challenge
    this.#login = login
    this.#keying = keying
  }

  /** @returns whether the client has signed the login, with the key that it shows, for this very conn */
  get areProven(): boolean {
    const signed = clientTranscript(this.#challenge, this.#login, this.#keying)
    return verify(null, signed, publicKeyOf(this.#login.publicKey), this.#login.signature)
  }

  welcome(terms: BridgeTerms): Uint8Array {
    return this.#verdict(BRIDGE_VERDICT.OK, terms)
  }

  no(code: ErrorCode): Uint8Array {
    const verdict = code === 'AUTH_FAILED' ? BRIDGE_VERDICT.AUTH_FAILED : BRIDGE_VERDICT.NOT_NOW
    return this.#verdict(verdict, { code, text: OUTCOMES[code].text })
  }

  #verdict(code: number, body: object): Uint8Array {
    const { publicKey, sign } = this.#identity
    const verdict = { code, publicKey, body: JSON.stringify(body) }
    const signature = sign(serverTranscript(this.#challenge, this.#login, verdict, this.#keying))
    return encodeBridgeVerdict({ ...verdict, signature })
  }
}

/**
 * Finds out which client is at the other end of a conn on which TLS has just begun. Who proves no key of a client is told the same after the same
 * time, whatever was wrong.
 * @throws ServiceError AUTH_FAILED, AUTH_LIMIT, USER_DISABLED, USER_EXPIRED, TLS_FAILED; WireError, NetError
 */
export const serverLogin = async (reader: Reader, parts: LoginParts): Promise<ProvenClient> => {
  const challenge = { version: BRIDGE_VERSION, nonce: randomBytes(32) }
  await reader.wait(whenSecure(reader.conn))
  reader.maxBytes = MAX_LOGIN_BYTES
  reader.conn.write(encodeBridgeChallenge(challenge))
  const login = await reader.read(decodeBridgeLogin)
  const words = new Words(parts.identity, challenge, login, keyingOf(reader.conn))
  const info = readBridgeInfo(login.info)
  try {
    const key = keyText(login.publicKey)
    const client = await proven(reader, key, words, parts)
    checkState(client, parts.now())
    return { client, key, info, words }
  } catch (error) {
    const code = codeOf(error)
    // Whoever has failed too often gets no more words.
    if (error instanceof ServiceError && code !== 'AUTH_LIMIT') await refuse(reader.conn, words.no(code))
    throw error
  }
}

/** TLS 1.3 is what makes it mean something. @throws ServiceError TLS_FAILED */
const keyingOf = (conn: Conn): Uint8Array => {
  const keying = keyingMaterial(conn, BRIDGE_EXPORTER_LABEL, BRIDGE_KEYING_BYTES)
  if (keying === undefined) throw new ServiceError('TLS_FAILED', 'the bridge wants TLS 1.3')
  return keying
}

const proven = async (
  reader: Reader,
  key: string,
  words: Words,
  { registry, guard, patienceMs }: LoginParts,
): Promise<LiveClient> => {
  const { host } = reader.client
  const isProven = words.areProven
  const known = registry.byPublicKey(key)
  if (isProven && known !== undefined) {
    guard.passed(host)
    return known
  }
  guard.check(host, key, true)
  using coming = new Coming(registry, key)
  const late = await reader.wait(coming.within(patienceMs))
  if (isProven && late !== undefined) return late
  guard.failed(host, key)
  throw new ServiceError('AUTH_FAILED', 'no client has this key, or its login is not signed with it')
}

/** Waits for a client that was added a moment ago. */
class Coming implements Disposable {
  readonly #registry: LoginParts['registry']
  readonly #key: string
  readonly #watch: Disposable
  #timer: NodeJS.Timeout | undefined = undefined
  #settle: (() => void) | undefined = undefined

  constructor(registry: LoginParts['registry'], key: string) {
    this.#registry = registry
    this.#key = key
    this.#watch = registry.watch(() => {
      if (registry.byPublicKey(key) !== undefined) this.#settle?.()
    })
  }

  async within(ms: number): Promise<LiveClient | undefined> {
    await new Promise<void>((resolve) => {
      this.#settle = resolve
      this.#timer = setTimeout(resolve, ms)
    })
    return this.#registry.byPublicKey(this.#key)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#watch[Symbol.dispose]()
  }
}

const checkState = ({ account }: LiveClient, now: number): void => {
  const state = account.state(now)
  if (state === 'disabled') throw new ServiceError('USER_DISABLED', 'the client is disabled')
  if (state === 'expired') throw new ServiceError('USER_EXPIRED', 'the client has expired')
}
