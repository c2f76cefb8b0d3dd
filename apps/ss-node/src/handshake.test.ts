import { BufferPool, Reader } from '@sluice/net'
import type { Directory } from '@sluice/service'
import { beforeEach, expect, it } from 'vitest'
import { FailureGuard } from './failure-guard.ts'
import { createHandshake } from './handshake.ts'
import { Keyring } from './keyring.ts'
import { ReplayGuard } from './replay.ts'
import { SlicedSearch } from './sliced-search.ts'
import { SsMetrics } from './ss-metrics.ts'
import { FakeConn } from './testing/fake-conn.ts'
import { requestOf } from './testing/ss-client.ts'
import { ssUserOf, type TestUser } from './testing/users.ts'

const USERS: TestUser[] = Array.from({ length: 10 }, (_, index) => ({ name: `user-${index}` }))
const TARGET = { host: '192.0.2.9', port: 80 }
const directory = {} as Directory

let keyring: Keyring
let turns: (() => void)[]
let handshake: ReturnType<typeof createHandshake>

beforeEach(() => {
  keyring = new Keyring()
  serve(...USERS)
  turns = []
  handshake = createHandshake(keyring, {
    replays: new ReplayGuard(),
    pool: new BufferPool(),
    metrics: new SsMetrics(() => () => ({ observe: () => {} }), 'test'),
    search: new SlicedSearch({ later: (turn) => void turns.push(turn), sliceMs: 1000 }),
    // Enough for two searches.
    guard: new FailureGuard(() => 0, { rate: 1, burst: 25 }),
  })
})

const serve = (...tests: TestUser[]): void => {
  const users = tests.map(ssUserOf)
  for (const user of users) user.served = true
  keyring.set({ users, serverKey: undefined })
}

/** A client at an address, with what it sends. */
const come = (bytes: Uint8Array, host = '192.0.2.1') => {
  const conn = new FakeConn()
  const reader = new Reader(conn, 16 * 1024)
  reader.client = { host, port: 1 }
  const outcome = Promise.resolve(handshake(reader, directory)).then(
    ({ account }) => account.user.name,
    ({ code }: { code: string }) => code,
  )
  conn.sink!.onData(bytes)
  const settled = async (): Promise<string> => {
    await turn()
    return Promise.race([outcome, Promise.resolve('silence')])
  }
  return { conn, reader, outcome, settled }
}
const turn = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) {
    await Promise.resolve()
    turns.shift()?.()
  }
}
const requestBy = (user: TestUser): Uint8Array => requestOf(user, TARGET).bytes
const GARBAGE = Buffer.alloc(100, 7)
const [ada, bob] = [USERS[3]!, USERS[7]!]

it('finds anybody, and who came from an address before at once', async () => {
  expect(await come(requestBy(ada)).settled()).toBe(ada.name)
  const again = come(requestBy(ada))
  expect([await again.outcome, turns.length]).toEqual([ada.name, 0])
})

it('costs nothing to find who has a key, however often', async () => {
  for (const user of [...USERS, ...USERS]) expect(await come(requestBy(user)).settled()).toBe(user.name)
})

it('does not search any more for an address that failed too often, but knows whom it knows', async () => {
  expect(await come(requestBy(ada)).settled()).toBe(ada.name)
  for (let i = 0; i < 2; i++) expect(await come(GARBAGE).settled()).toBe('silence')
  const refused = come(requestBy(bob))
  expect([await refused.settled(), turns.length]).toEqual(['silence', 0])
  refused.reader.fail(new Error('the deadline'))
  expect(await refused.outcome).toBe('AUTH_LIMIT')
  expect(await come(requestBy(ada)).settled()).toBe(ada.name)
  expect(await come(requestBy(bob), '192.0.2.2').settled()).toBe(bob.name)
})

it('takes a request that has come before for a failure', async () => {
  const bytes = requestBy(ada)
  expect(await come(bytes).settled()).toBe(ada.name)
  for (let i = 0; i < 2; i++) expect(await come(bytes, '192.0.2.7').settled()).toBe('silence')
  const refused = come(requestBy(bob), '192.0.2.7')
  await refused.settled()
  refused.reader.fail(new Error('the deadline'))
  expect(await refused.outcome).toBe('AUTH_LIMIT')
})

it('gives up the search for a client that leaves', async () => {
  const client = come(requestBy(ada))
  await Promise.resolve()
  await Promise.resolve()
  client.conn.sink!.onClose(undefined)
  expect(await client.outcome).toBe('CLIENT_CLOSED')
})

it.each(['retired', 'served'] as const)(
  'lets nobody in whose credential is of no use meanwhile: %s',
  async (what) => {
    const bytes = requestBy(ada)
    const client = come(bytes.subarray(0, 60))
    await client.settled()
    keyring.users[3]![what] = what === 'retired'
    client.conn.sink!.onData(bytes.subarray(60))
    expect(await client.settled()).toBe('silence')
    client.reader.fail(new Error('the deadline'))
    expect(await client.outcome).toBe('AUTH_FAILED')
  },
)

it('takes a request that is as long as its method allows', async () => {
  const method = '2022-blake3-aes-128-gcm'
  const user: TestUser = { name: 'ada', method, secret: 'AAECAwQFBgcICQoLDA0ODw==' }
  serve(user)
  const { bytes } = requestOf(user, TARGET, { early: Buffer.alloc(65_000) })
  const client = come(bytes.subarray(0, 20_000))
  await client.settled()
  for (let at = 20_000; at < bytes.length; at += 20_000) {
    client.conn.sink!.onData(bytes.subarray(at, at + 20_000))
  }
  expect(await client.settled()).toBe('ada')
})

it('is silent where nobody is served', async () => {
  serve()
  const client = come(GARBAGE)
  expect(await client.settled()).toBe('silence')
  client.reader.fail(new Error('the deadline'))
  expect(await client.outcome).toBe('AUTH_FAILED')
})
