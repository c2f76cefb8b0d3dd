import { type Conn, plainIp, type Reader, refuse } from '@sluice/net'
import {
  type Account,
  type ErrorCode,
  type OwnLanes,
  type ServedRequest,
  ServiceError,
  type Serving,
} from '@sluice/service'
import {
  createHeadDecoder,
  ForwardClient,
  type ForwardSettings,
  type OwnAnswer,
  type Passage,
  type ReadRequest,
} from '@sluice/service/http'
import { type Address, formatIp, type HeadEdits, readHostRequest } from '@sluice/wire'
import type { LiveHost } from '../registry.ts'
import { Admission } from './admission.ts'
import { VisitCache } from './cache/visit-cache.ts'
import { findHost, type Found } from './gate.ts'
import { editsOf } from './head-edits.ts'
import type { HostDoor } from './host-door.ts'
import { HostTarget } from './host-target.ts'
import { proven, redirect, refusal } from './page.ts'
import type { Scheme } from './router.ts'
import { VisitOwner } from './visit-owner.ts'
import { VisitRequest } from './visit-request.ts'

const NOT_PICKED = { release: (): void => {} }

/** One visitor's connection over HTTP/1, whose requests may go to one host after the other. */
export class HostVisit implements ServedRequest {
  readonly protocol = 'http'
  readonly account: Account
  /** Each request has one of its own. */
  readonly target = undefined
  readonly #conn: Conn
  readonly #ip: string
  readonly #scheme: Scheme
  readonly #door: HostDoor
  readonly #settings: ForwardSettings
  readonly #owner: VisitOwner
  #first!: ReadRequest
  #size = 0
  #session: Serving | undefined = undefined
  #admission: Admission | undefined = undefined
  #cache: VisitCache | undefined = undefined

  /** @param owner of the connection, where there is more to it than this */
  constructor(
    { conn, client }: Reader,
    scheme: Scheme,
    door: HostDoor,
    owner: VisitOwner = new VisitOwner(door.directory.guest),
  ) {
    this.account = door.directory.guest
    this.#owner = owner
    this.#conn = conn
    this.#ip = ipOf(client)
    this.#scheme = scheme
    this.#door = door
    const { via, ...forward } = door.forward()
    const read: ForwardSettings['read'] = (head) => new VisitRequest(readHostRequest(head, via), this)
    this.#settings = { ...forward, via, scheme, read, answer: refusal }
  }

  get owner(): Account {
    return this.#owner.account
  }

  /** Reads the first head. @throws what that throws, once it was told */
  async begin(reader: Reader): Promise<this> {
    try {
      const { head, bytes } = await reader.read(createHeadDecoder())
      this.#first = this.#settings.read!(head)
      this.#size = bytes.length
      return this
    } catch (error) {
      await refuse(this.#conn, refusal(error, {}).bytes)
      throw error
    }
  }

  reject(code: ErrorCode): Promise<void> {
    const headOnly = this.#first.method === 'HEAD'
    return refuse(this.#conn, refusal(new ServiceError(code), { headOnly }).bytes)
  }

  async serve(session: Serving): Promise<void> {
    this.#session = session
    try {
      await new ForwardClient(session, undefined, this.#settings).run(this.#first, this.#size)
    } finally {
      this.#session = undefined
      this.#cache?.tap.set(undefined)
      this.#admission?.[Symbol.dispose]()
    }
  }

  /** @internal Where a request goes. */
  pass(request: VisitRequest, keep: boolean): Passage | OwnAnswer | Promise<Passage | OwnAnswer> {
    const { host, authority, path, fields } = request.asked
    const proof = this.#scheme === 'http' ? this.#door.acme.proofOf(host, path) : undefined
    if (proof !== undefined) return proven(proof, { keep, headOnly: request.method === 'HEAD' })
    const asked = { host, authority, path, fields, scheme: this.#scheme, ip: this.#ip }
    const found = findHost(asked, this.#door)
    return found instanceof Promise
      ? found.then((late) => this.#passed(request, late, keep))
      : this.#passed(request, found, keep)
  }

  #passed(request: VisitRequest, found: Found, keep: boolean): Passage | OwnAnswer {
    if ('location' in found) return redirect(found.location, { keep })
    const { live } = found
    request.owner = this.#door.ownerOf(live.client)
    this.#owner.add(request.owner)
    const { lanes } = this.#admit(live, request.owner)
    const { authority } = request.asked
    const visitor = { ip: this.#ip, scheme: this.#scheme, authority }
    const edits = editsOf(live.record, visitor, live.client.record.login !== undefined)
    if (live.record.cacheBytes !== undefined) return this.#throughCache(request, live, edits, lanes)
    const picked = live.targets.pick()
    const target = new HostTarget(live, picked, this.#conn.local)
    return { request: request.sendTo(target, edits, picked), lanes, key: target.key }
  }

  #throughCache(request: VisitRequest, live: LiveHost, edits: HeadEdits, lanes: OwnLanes): Passage {
    const { asked } = request
    const cache = (this.#cache ??= new VisitCache(this.#door.caches, this.#scheme))
    const stored = cache.find(asked, live)
    if (stored !== undefined)
      return { request: request.sendTo(stored, edits, NOT_PICKED), lanes, key: stored.key }
    const picked = live.targets.pick()
    const release = (): void => {
      picked.release()
      cache.onDone(asked, live)
    }
    const target = new HostTarget(live, picked, this.#conn.local, cache.tap)
    return { request: request.sendTo(target, edits, { release }), lanes, key: target.key }
  }

  /** A connection is within one host at a time, until it asks for another. */
  #admit(live: LiveHost, owner: Account): Admission {
    const session = this.#session
    if (session === undefined) throw new ServiceError('SHUTDOWN', 'the connection is over')
    if (this.#admission?.live === live) return this.#admission
    this.#admission?.[Symbol.dispose]()
    this.#admission = undefined
    const { directory } = this.#door
    this.#admission = new Admission(live, session, { owner, directory, now: this.#door.now() })
    return this.#admission
  }
}

/** IPv4 is written as such wherever it came in. */
const ipOf = ({ host }: Address): string => {
  const bytes = plainIp(host)
  return bytes === undefined ? host : formatIp(bytes)
}
