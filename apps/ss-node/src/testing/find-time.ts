// How long it takes to find whose request it is, on a port of many users; what comes is handed over in memory. The one
// argument is what to measure; prints its figures as JSON, in ms.
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { BufferPool, Reader } from '@sluice/net'
import type { Directory, Handshake } from '@sluice/service'
import { type SsKey, ssKey, ssMethod } from '@sluice/wire/shadowsocks'
import { FailureGuard } from '../failure-guard.ts'
import { createHandshake } from '../handshake.ts'
import { Keyring } from '../keyring.ts'
import { ReplayGuard } from '../replay.ts'
import { SlicedSearch } from '../sliced-search.ts'
import { SsMetrics } from '../ss-metrics.ts'
import { FakeConn } from './fake-conn.ts'
import { requestOf } from './ss-client.ts'
import { ssUserOf, type TestUser } from './users.ts'

const USERS = 1000
const TARGET = { host: '192.0.2.9', port: 80 }
const AES_2022 = '2022-blake3-aes-256-gcm'
/** The first ones warm the program up. */
const WARM = 20
const COLD = 50
const KNOWN = 4000
/** All together they have hundreds of thousands of keys tried. */
const STRANGERS = 200
const FLOOD_MS = 2000
/** Searches may have a fifth of all time: without rest their budget would be measured, not they. */
const REST_MS = 120

const secretOf = (index: number): string => Buffer.alloc(32, `${index} of many `).toString('base64')
const addressOf = (index: number): string => `10.0.${index >> 8}.${index & 255}`

class Stage {
  readonly users: TestUser[]
  readonly took: number[] = []
  readonly #asking: { serverKey?: SsKey }
  readonly #handshake: Handshake

  constructor(method: string) {
    const isNamed = method === AES_2022
    this.users = Array.from({ length: USERS }, (_, index) => ({
      name: `user-${index}`,
      method,
      secret: secretOf(index),
    }))
    const serverKey = isNamed ? ssKey(ssMethod(method)!, secretOf(USERS)) : undefined
    this.#asking = serverKey === undefined ? {} : { serverKey }
    const keyring = new Keyring()
    const users = this.users.map(ssUserOf)
    for (const user of users) user.served = true
    keyring.set({ users, serverKey })
    const metrics = new SsMetrics(() => () => ({ observe: () => {} }), 'ss')
    metrics.findTook = (ms): void => void this.took.push(ms)
    this.#handshake = createHandshake(keyring, {
      replays: new ReplayGuard(),
      pool: new BufferPool(),
      metrics,
      search: new SlicedSearch(),
      guard: new FailureGuard(),
    })
  }

  async come(index: number): Promise<void> {
    const user = this.users[index % USERS]!
    const { account } = await this.#hand(
      requestOf(user, TARGET, this.#asking).bytes,
      addressOf(index % USERS),
    )
    if (account.user.name !== user.name) throw new Error('another was found')
  }

  /** Who has no key, and says nothing more. */
  stranger(host: string): void {
    void Promise.resolve(this.#hand(Buffer.alloc(300, host), host)).catch(() => {})
  }

  #hand(bytes: Uint8Array, host: string): ReturnType<Handshake> {
    const conn = new FakeConn()
    const reader = new Reader(conn, 16 * 1024)
    reader.client = { host, port: 1 }
    const request = this.#handshake(reader, {} as Directory)
    conn.sink!.onData(bytes)
    return request
  }
}

/** So much of them took no longer. */
const quantile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(values.length * part) - 1]!

const shared = async (): Promise<object> => {
  const stage = new Stage('aes-256-gcm')
  // Whoever is used moves to the front: from the last on, each is tried last.
  for (let index = 1; index <= WARM + COLD; index++) {
    await stage.come(USERS - index)
    await sleep(REST_MS)
  }
  const cold = stage.took.splice(0).slice(WARM)
  for (let index = 0; index < KNOWN; index++) {
    await stage.come(USERS - 1 - (index % (WARM + COLD)))
    if (index % 100 === 0) await turn()
  }
  return { cold: quantile(cold, 0.99), known: quantile(stage.took, 0.99) }
}

const flood = async (): Promise<object> => {
  const stage = new Stage('aes-256-gcm')
  for (let index = 0; index < WARM; index++) await stage.come(index)
  await sleep(1000)
  for (let index = 0; index < STRANGERS; index++) {
    stage.stranger(addressOf(256 * index))
    await turn()
  }
  let longest = 0
  const end = performance.now() + FLOOD_MS
  for (let last = performance.now(); last < end;) {
    await turn()
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }
  return { stretch: longest }
}

const identity = async (): Promise<object> => {
  const stage = new Stage(AES_2022)
  for (let index = 0; index < KNOWN; index++) {
    await stage.come(index)
    if (index % 100 === 0) await turn()
  }
  return { identity: quantile(stage.took.slice(USERS), 0.5) }
}

const measures = { shared, flood, identity }
const measure = measures[process.argv[2] as keyof typeof measures]
console.log(JSON.stringify(await measure()))
// Searches may still be waiting.
process.exit()
