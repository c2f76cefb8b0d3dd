import type { Address, HostRequest } from '@sluice/wire'
import type { LiveHost } from '../../registry.ts'
import type { Scheme } from '../router.ts'
import type { HostCaches } from './host-caches.ts'
import { isSafe, keyOf, soughtOf } from './sought.ts'
import { StoredConn } from './stored-conn.ts'
import { Tap } from './tapped-conn.ts'

/** In place of a target: an answer that is here already. */
export class StoredTarget implements Address {
  readonly host = 'cache'
  readonly port = 0
  /** Of no conn that may be used again. */
  readonly key = ''
  readonly #head: Uint8Array
  readonly #body: Uint8Array

  constructor({ head, body }: { readonly head: Uint8Array; readonly body: Uint8Array }) {
    this.#head = head
    this.#body = body
  }

  open(): StoredConn {
    return new StoredConn(this.#head, this.#body)
  }
}

const SCHEMES: readonly Scheme[] = ['http', 'https']

/** What one visitor's connection has of the caches, a request at a time. */
export class VisitCache {
  /** Hears what targets answer. */
  readonly tap: Tap = new Tap()
  readonly #caches: HostCaches
  readonly #scheme: Scheme

  constructor(caches: HostCaches, scheme: Scheme) {
    this.#caches = caches
    this.#scheme = scheme
  }

  /** @returns the answer, unless a target has to be asked for it, who is listened to then */
  find(asked: HostRequest, live: LiveHost): StoredTarget | undefined {
    this.tap.set(undefined)
    const sought = soughtOf(asked, this.#scheme, live.client.record.login !== undefined)
    if (sought === undefined) return undefined
    const stored = this.#caches.find(live, sought)
    if (stored !== undefined) return new StoredTarget(stored.give(sought))
    if (sought.method === 'GET') this.tap.set(this.#caches.fill(live, sought))
    return undefined
  }

  /** To be told when a request is over: what it has changed, maybe, is not kept. */
  onDone({ method, authority, path }: HostRequest, live: LiveHost): void {
    if (isSafe(method)) return
    for (const scheme of SCHEMES) this.#caches.forget(live, keyOf({ authority, path }, scheme))
  }
}
