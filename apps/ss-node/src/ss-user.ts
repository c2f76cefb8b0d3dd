import type { Account } from '@sluice/service'
import type { Credential } from '@sluice/userstore'
import { keyHash, type SsKey, ssKey, type SsMethod } from '@sluice/wire/shadowsocks'

/** A credential for this door. */
export type SsCredential = Extract<Credential, { kind: 'ss' }>

/** The port of users that have none of their own. */
export const SHARED_PORT = 0

/** One Shadowsocks credential of one user, as long as it is as it is: a change of it makes another one. */
export class SsUser {
  readonly account: Account
  readonly method: SsMethod
  /** Where it is served. */
  readonly port: number
  /** It is no credential any more. */
  retired = false
  /** A port takes it. */
  served = false
  readonly #secret: string
  #key: SsKey | undefined = undefined
  #hash: string | undefined = undefined

  constructor(account: Account, method: SsMethod, { port = SHARED_PORT, secret }: SsCredential) {
    this.account = account
    this.method = method
    this.port = port
    this.#secret = secret
  }

  /** Whether anybody can come in with it now. */
  get isValid(): boolean {
    return this.served && !this.retired
  }

  get name(): string {
    return this.account.user.name
  }

  /** Made when it is first asked for: with MD5 that costs microseconds, of which 10,000 users are many. @throws WireError WIRE_KEY */
  get key(): SsKey {
    return (this.#key ??= ssKey(this.method, this.#secret))
  }

  /** What an identity header calls it, as a text. */
  get hash(): string {
    return (this.#hash ??= textOf(keyHash(this.key)))
  }

  /** Two of one identity cannot be told apart. */
  get identity(): string {
    // Base64 has several texts for one key.
    const secret = this.method.kind === '2022' ? textOf(this.key.bytes) : this.#secret
    return `${this.method.name} ${secret}`
  }

  is(method: SsMethod, { port = SHARED_PORT, secret }: SsCredential): boolean {
    return method === this.method && port === this.port && secret === this.#secret
  }
}

/** Bytes as the key of a map. */
export const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
