import type { Account } from '@sluice/service'
import type { OwnAnswer, Passage, ReadRequest } from '@sluice/service/http'
import type { Address, BodyFraming, HeadEdits, HostRequest, HttpVersion } from '@sluice/wire'

import type { Picked } from '../target-picker.ts'

/** Whose connection a request comes over. */
export interface RequestVisit {
  pass(request: VisitRequest, keep: boolean): Passage | OwnAnswer | Promise<Passage | OwnAnswer>
}

const NOWHERE: Address = { host: '', port: 0 }

/** A visitor's request, which goes to the host that it names once that is found. */
export class VisitRequest implements ReadRequest {
  readonly asked: HostRequest
  readonly credentials = undefined
  readonly maxForwards = undefined
  /** Of the host that it names, once that is found. */
  owner: Account | undefined = undefined
  address: Address = NOWHERE
  head = ''
  readonly #visit: RequestVisit
  #picked: Pick<Picked, 'release'> | undefined = undefined
  #isOver = false

  constructor(asked: HostRequest, visit: RequestVisit) {
    this.asked = asked
    this.#visit = visit
  }

  get method(): string {
    return this.asked.method
  }

  get version(): HttpVersion {
    return this.asked.version
  }

  get authority(): string {
    return this.asked.authority
  }

  get path(): string {
    return this.asked.path
  }

  get body(): BodyFraming {
    return this.asked.body
  }

  get close(): boolean {
    return this.asked.close
  }

  get upgrade(): string | undefined {
    return this.asked.upgrade
  }

  get looped(): boolean {
    return this.asked.looped
  }

  pass(keep: boolean): Passage | OwnAnswer | Promise<Passage | OwnAnswer> {
    return this.#visit.pass(this, keep)
  }

  /** @param picked released when it is over */
  sendTo(address: Address, edits: HeadEdits, picked: Pick<Picked, 'release'>): this {
    this.address = address
    this.head = this.asked.headWith(edits)
    this.#picked = picked
    if (this.#isOver) this.onDone()
    return this
  }

  onDone(): void {
    this.#isOver = true
    this.#picked?.release()
    this.#picked = undefined
  }
}
