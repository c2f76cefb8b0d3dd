import { randomBytes } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import type { Address } from '@sluice/wire'
import { encodeSocksAddress } from '@sluice/wire'
import { ssKey, ssMethod } from '@sluice/wire/shadowsocks'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Asked, type Asking, requestOf, SsClient } from './testing/ss-client.ts'
import { echo, openOrigin, openTestNode, type TestNode } from './testing/test-node.ts'
import type { TestUser } from './testing/users.ts'

const AES_2022 = '2022-blake3-aes-256-gcm'
const KEYS = [1, 2, 3].map((byte) => Buffer.alloc(32, byte).toString('base64'))
const MANY: TestUser[] = Array.from({ length: 20 }, (_, index) => ({
  name: `user-${index}`,
  method: index % 2 === 0 ? 'aes-256-gcm' : 'aes-128-gcm',
}))

const KINDS: readonly { kind: string; users: TestUser[]; serverKey?: string }[] = [
  { kind: 'one user', users: [{ name: 'ada' }] },
  { kind: 'many users', users: MANY },
  { kind: 'one user of 2022', users: [{ name: 'ada', method: AES_2022, secret: KEYS[0]! }] },
  {
    kind: 'users of 2022 with identity headers',
    users: KEYS.slice(0, 2).map((secret, index) => ({ name: `user-${index}`, method: AES_2022, secret })),
    serverKey: KEYS[2]!,
  },
]

const DEADLINE_MS = 10_000

/** Whoever has come is heard out: time passes only when the test says so. */
const heardOut = async (): Promise<void> => {
  for (let i = 0; i < 1000; i++) await turn()
}

/** Nobody can tell such a conn from one whose server waits for more: no byte, no reset, no end before the deadline. */
describe.each(KINDS)('a port of $kind', ({ users, serverKey }) => {
  let node: TestNode
  let origin: Address & Disposable
  let reached = 0
  const user = users.at(-1)!
  const asking: Asking = {
    early: Buffer.from('ping'),
    ...(serverKey && { serverKey: ssKey(ssMethod(AES_2022)!, serverKey) }),
  }
  const request = (more: Asking = {}): Asked => requestOf(user, origin, { ...asking, ...more })

  beforeAll(async () => {
    origin = await openOrigin((socket) => {
      reached += 1
      echo(socket)
    })
    const key = serverKey === undefined ? [] : ['--identity-key', `0:${AES_2022}:${serverKey}`]
    const limits = ['--handshake-timeout', `${DEADLINE_MS}ms`, '--unauthenticated-per-ip', '5000']
    node = await openTestNode(users, ...key, ...limits)
  })
  afterEach(() => void vi.useRealTimers())
  afterAll(async () => {
    await node[Symbol.asyncDispose]()
    origin[Symbol.dispose]()
  })

  /** @returns with what code each of them ended, in silence */
  const codesOf = async (probes: readonly Uint8Array[]): Promise<string[]> => {
    const before = reached
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const clients = await Promise.all(probes.map(probe))
    await heardOut()
    vi.advanceTimersByTime(DEADLINE_MS - 1)
    await heardOut()
    expect(clients.filter(({ over }) => over)).toEqual([])
    vi.advanceTimersByTime(1)
    const codes = await Promise.all(clients.map(codeOf))
    expect(reached).toBe(before)
    return [...new Set(codes)].toSorted()
  }
  const probe = async (bytes: Uint8Array): Promise<SsClient> => {
    const client = await SsClient.connect(node.shared)
    if (bytes.length > 0) client.send(bytes)
    return client
  }
  const codeOf = async (client: SsClient): Promise<string> => {
    await client.rest()
    expect([client.raw.length, client.failure]).toEqual([0, undefined])
    const { code, ms } = await node.journal.end(client)
    expect(ms).toBe(DEADLINE_MS)
    return code
  }
  /** A client that is let in, and says nothing more. */
  const enter = async (asked: Asked): Promise<SsClient> => {
    const client = await SsClient.connect(node.shared)
    client.use(asked)
    client.send(asked.bytes)
    expect((await client.take(4)).toString()).toBe('ping')
    client.finish()
    await client.rest()
    return client
  }

  test('lets in who has the key', async () => {
    await enter(request())
  })

  test('is silent to random bytes of every length', async () => {
    const lengths = Array.from({ length: 222 }, (_, length) => length)
    expect(await codesOf(lengths.map((length) => randomBytes(length)))).toEqual([
      'AUTH_FAILED',
      'HANDSHAKE_TIMEOUT',
    ])
  })

  test('is silent to a request that was cut at any byte', async () => {
    const { bytes } = request()
    const cuts = Array.from({ length: bytes.length }, (_, length) => bytes.subarray(0, length))
    expect(await codesOf(cuts)).toEqual(['HANDSHAKE_TIMEOUT'])
  })

  test('is silent to a request any byte of which was changed', async () => {
    const { bytes } = request()
    const changed = Array.from(bytes, (byte, at) => Uint8Array.from(bytes).fill(byte ^ 1, at, at + 1))
    expect(await codesOf(changed)).toEqual(['AUTH_FAILED'])
  })

  test('is silent to a request that has come before, as it was or changed', async () => {
    const asked = request()
    await enter(asked)
    expect(await codesOf([asked.bytes, asked.bytes])).toEqual(['REPLAY'])
    const { length } = asked.bytes
    const changed = [0, 16, 40, length - 1].map((at) => {
      const copy = Uint8Array.from(asked.bytes)
      copy[at]! ^= 0xff
      return copy
    })
    expect(await codesOf(changed)).toEqual(['AUTH_FAILED'])
  })

  test('is silent to its own bytes', async () => {
    const target = encodeSocksAddress(origin)
    const asked = request({ early: target })
    const client = await SsClient.connect(node.shared)
    client.use(asked)
    client.send(asked.bytes)
    await client.take(target.length)
    client.finish()
    await client.rest()
    const [code] = await codesOf([client.raw])
    expect(['REPLAY', 'AUTH_FAILED', 'HANDSHAKE_INVALID']).toContain(code)
    if (user.method !== AES_2022) expect(code).toBe('REPLAY')
  })

  test('takes any number of bytes that mean nothing', async () => {
    expect(await codesOf([randomBytes(2 * 1024 * 1024)])).toEqual(['AUTH_FAILED'])
  })

  test.each([
    ['bytes that mean nothing', 100],
    ['too few', 3],
    ['none', 0],
  ])('ends with whoever ends first: %s', async (_, size) => {
    const client = await SsClient.connect(node.shared)
    if (size > 0) client.send(randomBytes(size))
    client.finish()
    await client.rest()
    expect([client.raw.length, client.failure]).toEqual([0, undefined])
    expect((await node.journal.end(client)).ms).toBeLessThan(DEADLINE_MS)
  })

  test('is silent to a clock that is wrong, where requests have a time', async () => {
    const seconds = Math.floor(Date.now() / 1000)
    const late = [seconds - 40, seconds + 40].map((at) => request({ seconds: at }))
    if (user.method === AES_2022)
      expect(await codesOf(late.map(({ bytes }) => bytes))).toEqual(['CLOCK_SKEW'])
    else for (const asked of late) await enter(asked)
  })
})
