import type { User } from '@sluice/userstore'
import { encodeSocksAddress, WireError } from '@sluice/wire'
import { decodeSsRequest, hasIdentity, type SsKey, ssKey, ssMethod, trial } from '@sluice/wire/shadowsocks'
import type { Register } from '../remote/register.ts'
import { RemoteError } from '../remote/remote-error.ts'
import type { RemotePorts } from '../remote/remote-ports.ts'
import { type SsCredential, ssCredentialOf } from '../remote/ss-credential.ts'
import { TimeSlices } from '../time-slices.ts'
import { trialDatagram } from './datagram-trial.ts'

export interface KeyQuestion {
  readonly port: number
  /** Only keys of this method; of all where it is empty. */
  readonly method: string
  readonly transport: 'tcp' | 'udp'
  readonly data: Uint8Array
}

export interface KeyFinderOptions {
  readonly register: Pick<Register, 'users'>
  readonly ports: Pick<RemotePorts, 'portOf' | 'serverKey'>
}

/** Questions that wait for the one that is looked into. */
const MAX_WAITING = 16

/** Finds whose key sealed what a client sent, among the users of a port: one question at a time, in small steps. */
export class KeyFinder {
  readonly #options: KeyFinderOptions
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(options: KeyFinderOptions) {
    this.#options = options
  }

  /** @throws RemoteError BUSY; the signal's reason */
  async find(question: KeyQuestion, signal: AbortSignal): Promise<User | undefined> {
    if (this.#waiting === MAX_WAITING) throw new RemoteError('BUSY', 'too many are looking for keys')
    this.#waiting += 1
    const found = this.#last.then(() => this.#find(question, signal))
    this.#last = found.catch(() => {})
    try {
      return await found
    } finally {
      this.#waiting -= 1
    }
  }

  async #find(question: KeyQuestion, signal: AbortSignal): Promise<User | undefined> {
    const slices = new TimeSlices()
    for (const user of [...this.#options.register.users()]) {
      signal.throwIfAborted()
      if (this.#opens(user, question)) return user
      if (slices.isOver) await slices.pause()
    }
    return undefined
  }

  #opens(user: User, { port, method, transport, data }: KeyQuestion): boolean {
    const { ports } = this.#options
    const credential = ssCredentialOf(user)
    if (credential === undefined || ports.portOf(credential) !== port) return false
    if (method !== '' && ssMethod(method)?.name !== credential.method) return false
    const key = keyOf(credential)
    if (key === undefined) return false
    const serverKey = ports.serverKey(port)
    if (transport === 'udp') return trialDatagram(key, data, serverKey)
    return trial(key, data, { identity: serverKey !== undefined })
  }
}

/** undefined where the store holds what is no key: it may have been put there by anything. */
const keyOf = ({ method, secret }: SsCredential): SsKey | undefined => {
  const known = ssMethod(method)
  try {
    return known && ssKey(known, secret)
  } catch {
    return undefined
  }
}

/**
 * Opens what a client sent over one connection: the target as SOCKS writes it, then the payload of all whole pieces.
 * @param data from the first byte
 * @throws RemoteError INVALID where it was not sealed with this key, or is shorter than a request
 */
export const openStream = ({ method, secret }: SsCredential, data: Uint8Array): Uint8Array => {
  const key = ssKey(ssMethod(method)!, secret)
  const attempts = hasIdentity(key.method) ? [false, true] : [false]
  for (const identity of attempts) {
    const plain = opened(key, identity, data)
    if (plain !== undefined) return plain
  }
  throw new RemoteError('INVALID', 'data: not what a client with this key sends first')
}

const opened = (key: SsKey, identity: boolean, data: Uint8Array): Uint8Array | undefined => {
  try {
    const request = decodeSsRequest(key, { identity })(data)
    if (request === undefined) return undefined
    const { target, early, opener } = request.value
    const rest = data.subarray(request.size)
    const out = new Uint8Array(opener.room(rest.length))
    return Buffer.concat([encodeSocksAddress(target), early, out.subarray(0, opener.open(rest, out))])
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}
