import type { DropReason } from '@sluice/service'
import type { SsDatagram } from '@sluice/wire/shadowsocks'
import type { Keyring } from '../keyring.ts'
import type { SsUser } from '../ss-user.ts'
import type { Associations } from './associations.ts'
import { drop } from './drops.ts'
import { type Malformed, opened } from './opened.ts'
import { SaltedSeal } from './reply-seal.ts'
import type { UdpAssociation } from './udp-association.ts'
import type { UdpParts, UdpSocket } from './udp-parts.ts'

/** Datagrams of one client that wait until it is known whose they are. */
const MOST_BEHIND = 16

/** A search for the key of a client, and what has come from there since. */
interface Searching {
  readonly behind: Uint8Array[]
  giveUp: (() => void) | undefined
}

/**
 * The clients of one port, of all methods but those of 2022: each address and port is an association, whose key is that of
 * its first datagram.
 */
export class SaltedClients {
  readonly #keyring: Keyring
  readonly #parts: UdpParts
  readonly #socket: UdpSocket
  readonly #associations: Associations
  readonly #known = new Map<string, UdpAssociation>()
  readonly #searching = new Map<string, Searching>()
  #last: UdpAssociation | undefined = undefined

  constructor(keyring: Keyring, parts: UdpParts, socket: UdpSocket, associations: Associations) {
    this.#keyring = keyring
    this.#parts = parts
    this.#socket = socket
    this.#associations = associations
  }

  /** Clients that are known, and that are being found out about. */
  get size(): number {
    return this.#known.size + this.#searching.size
  }

  onDatagram(bytes: Uint8Array, host: string, port: number): void {
    const known = this.#find(host, port)
    if (known === undefined) {
      this.#stranger(bytes, host, port, undefined)
      return
    }
    const datagram = opened(known.user.key, bytes)
    if (datagram === undefined) this.#stranger(bytes, host, port, known.user)
    else if (this.#isFresh(datagram)) known.relay(datagram)
  }

  close(): void {
    for (const { giveUp } of [...this.#searching.values()]) giveUp?.()
  }

  #find(host: string, port: number): UdpAssociation | undefined {
    const last = this.#last
    if (last !== undefined) {
      const { client } = last.session
      if (client.port === port && client.host === host) return last
    }
    const known = this.#known.get(keyOf(host, port))
    if (known !== undefined) this.#last = known
    return known
  }

  /** @param tried whose key does not open it */
  #stranger(bytes: Uint8Array, host: string, port: number, tried: SsUser | undefined): void {
    const { owner } = this.#keyring
    if (owner === undefined) this.#search(bytes, host, port, tried)
    else {
      const datagram = owner === tried || !owner.isValid ? undefined : opened(owner.key, bytes)
      if (datagram === undefined) this.#drop('auth')
      else this.#enter(owner, datagram, host, port)
    }
  }

  #search(bytes: Uint8Array, host: string, port: number, tried: SsUser | undefined): void {
    const key = keyOf(host, port)
    const searching = this.#searching.get(key)
    if (searching !== undefined) this.#wait(searching, bytes)
    else {
      const started: Searching = { behind: [], giveUp: undefined }
      this.#searching.set(key, started)
      const over = (): void => {
        this.#searching.delete(key)
        for (const each of started.behind) this.#parts.search.leave(each)
      }
      started.giveUp = this.#parts.search.start(this.#keyring.order, {
        bytes,
        ip: host,
        tried,
        missed: () => {
          over()
          for (let left = started.behind.length; left >= 0; left--) this.#drop('auth')
        },
        found: (user, datagram) => {
          over()
          const isNew = this.#enter(user, datagram, host, port)
          for (const each of started.behind) this.onDatagram(each, host, port)
          return isNew
        },
      })
    }
  }

  #wait({ behind }: Searching, bytes: Uint8Array): void {
    if (behind.length < MOST_BEHIND && this.#parts.search.mayWait(bytes)) behind.push(bytes)
    else this.#drop('auth')
  }

  /** @returns whether the datagram is new: one that is no datagram can be repeated for ever, and is not */
  #enter(user: SsUser, datagram: SsDatagram | Malformed, host: string, port: number): boolean {
    if (!this.#isFresh(datagram)) return false
    const key = keyOf(host, port)
    this.#known.get(key)?.session.close()
    const association = this.#associations.open({
      user,
      client: { host, port },
      seal: new SaltedSeal(user.key, this.#parts),
      forget: () => this.#forget(key),
    })
    this.#keyring.order.used(user, host)
    if (association === undefined) return true
    this.#known.set(key, association)
    this.#last = association
    association.relay(datagram)
    return true
  }

  #isFresh(datagram: SsDatagram | Malformed): datagram is SsDatagram {
    if (datagram === 'malformed') this.#drop('malformed')
    else if (datagram.salt.length > 0 && !this.#parts.salts.add(datagram.salt)) this.#drop('replay')
    else if (datagram.address.port === 0) this.#drop('malformed')
    else return true
    return false
  }

  #forget(key: string): void {
    this.#known.delete(key)
    this.#last = undefined
  }

  #drop(reason: DropReason): void {
    drop(reason, this.#socket, this.#parts)
  }
}

const keyOf = (host: string, port: number): string => `${host} ${port}`
