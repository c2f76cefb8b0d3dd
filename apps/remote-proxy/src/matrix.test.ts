import { readdirSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import type { End, TestUser } from '@sluice/service/testing'
import { encodeBasic } from '@sluice/wire'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesOf, DIALECTS } from './testing/dialects.ts'
import type { Dialect } from './testing/handshake-contract.ts'
import { openTestProgram, type TestProgram } from './testing/test-program.ts'
import { type Pace, PAYLOAD, TunnelEnd } from './testing/tunnel-end.ts'

// Whoever ends first, breaks off or is slow, with data under way, over every protocol, with and without a limit.

const MIB = 1024 * 1024
const BROKEN_AT = 256 * 1024
/** Announced where the other end is to wait for more, however much the buffers between have taken. */
const NEVER_WHOLE = PAYLOAD.length + 1
const RATE = 32 * MIB
const USERS: readonly TestUser[] = [
  { name: 'free', password: 'horse' },
  { name: 'limited', password: 'horse', limits: { up: RATE, down: RATE } },
]

let running: TestProgram
let target: Server
let descriptors: number
/** Of sessions that ended properly, by user. */
const booked = new Map<string, { up: number; down: number }>()

const descriptorCount = (): number => readdirSync('/proc/self/fd').length

beforeAll(async () => {
  target = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(target, 'listening')
  running = await openTestProgram(USERS, '--allow', '127.0.0.0/8')
  descriptors = descriptorCount()
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  target.close()
})

/** Both ends of one connection through the door. */
interface Pair {
  readonly client: TunnelEnd
  readonly target: TunnelEnd
  readonly end: Promise<End>
}

/** What both send: for a protocol with heads, how much will follow must be known. */
interface Plan {
  readonly up: number
  readonly down: number
  readonly paces?: readonly [client: Pace, target: Pace]
}

type Open = (user: TestUser, plan: Plan) => Promise<Pair>

const portOfTarget = (): number => (target.address() as AddressInfo).port

const dial = async (): Promise<{ socket: Socket; end: Promise<End> }> => {
  const since = Date.now()
  const { host, port } = running.door.http
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true })
  await once(socket, 'connect')
  return { socket, end: running.journal.end({ port: socket.localPort!, since }) }
}

const overTunnel =
  (dialect: Dialect): Open =>
  async (user, { paces: [slowness, otherSlowness] = ['fast', 'fast'] }) => {
    const reached = once(target, 'connection')
    const { socket, end } = await dial()
    const address = { host: '127.0.0.1', port: portOfTarget() }
    const { agreed } = dialect
    const size = agreed.length + dialect.accepted({ host: '127.0.0.1', port: 1 }).length
    socket.write(Buffer.concat(dialect.messages(address, user)))
    for (let answer = Buffer.alloc(0); answer.length < size;) {
      const [chunk] = (await once(socket, 'data')) as [Buffer]
      answer = Buffer.concat([answer, chunk])
    }
    const [peer] = (await reached) as [Socket]
    return {
      client: new TunnelEnd(socket, false, slowness),
      target: new TunnelEnd(peer, false, otherSlowness),
      end,
    }
  }

const overHttp: Open = async (user, { up, down, paces: [slowness, otherSlowness] = ['fast', 'fast'] }) => {
  const reached = once(target, 'connection')
  const { socket, end } = await dial()
  const client = new TunnelEnd(socket, true, slowness)
  client.send(
    Buffer.from(
      `POST http://127.0.0.1:${portOfTarget()}/ HTTP/1.1\r\nHost: x\r\nContent-Length: ${up}\r\n` +
        `Proxy-Authorization: ${encodeBasic(bytesOf(user))}\r\nConnection: close\r\n\r\n`,
    ),
  )
  const [peer] = (await reached) as [Socket]
  const other = new TunnelEnd(peer, true, otherSlowness)
  other.send(Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${down}\r\n\r\n`))
  return { client, target: other, end }
}

const WAYS: readonly (readonly [string, Open])[] = [
  ...DIALECTS.map((dialect) => [dialect.name, overTunnel(dialect)] as const),
  ['plain HTTP', overHttp],
]
const CASES = WAYS.flatMap(([name, open]) => USERS.map((user) => [name, user.name, open, user] as const))

/** What was counted of a session, which must be what the ledger has in the end. */
const book = async (user: TestUser, ending: Promise<End>): Promise<End> => {
  const end = await ending
  const { up, down } = booked.get(user.name) ?? { up: 0, down: 0 }
  booked.set(user.name, { up: up + end.up, down: down + end.down })
  return end
}

/** All arrived, on both sides, and was counted. */
const expectWhole = async (
  { client, target: other, end }: Pair,
  user: TestUser,
  plan: Plan,
): Promise<void> => {
  await client.untilEnd()
  client.finish()
  await Promise.all([client.closed(), other.closed()])
  const { code, up, down } = await book(user, end)
  expect([other.got, other.isRight, client.got, client.isRight]).toEqual([plan.up, true, plan.down, true])
  expect({ code, up, down }).toEqual({ code: 'OK', up: client.sent, down: client.came })
}

/** What arrived is right as far as it goes, was counted, and does not look like all. */
const expectBroken = async (
  { end }: Pair,
  { from, to, way }: { from: TunnelEnd; to: TunnelEnd; way: 'up' | 'down' },
  user: TestUser,
): Promise<string> => {
  await Promise.all([from.closed(), to.closed()])
  const ended = await book(user, end)
  expect(to.ended).toBe(false)
  expect(to.isRight).toBe(true)
  expect(ended[way]).toBeGreaterThanOrEqual(to.got)
  expect(ended[way]).toBeLessThanOrEqual(from.sent)
  return ended.code
}

describe.each(CASES)('%s, a user who is %s', (name, _, open, user) => {
  const isTunnel = name !== 'plain HTTP'

  test('the client half-closes first', async () => {
    const plan = { up: MIB, down: MIB }
    const pair = await open(user, plan)
    pair.client.send(PAYLOAD.subarray(0, plan.up))
    pair.client.finish()
    await pair.target.until(plan.up)
    // Of plain HTTP the length says that the request is whole, and a half-close would say more than that.
    if (isTunnel) await pair.target.untilEnd()
    pair.target.send(PAYLOAD.subarray(0, plan.down))
    pair.target.finish()
    await expectWhole(pair, user, plan)
  })

  test('the target half-closes first', async () => {
    const plan = { up: MIB, down: MIB }
    const pair = await open(user, plan)
    const upload = (): void => pair.client.send(PAYLOAD.subarray(0, plan.up))
    // A target of plain HTTP that has ended takes no more of the request.
    if (!isTunnel) upload()
    await pair.target.until(isTunnel ? 0 : plan.up)
    pair.target.send(PAYLOAD.subarray(0, plan.down))
    pair.target.finish()
    await pair.client.untilEnd()
    if (isTunnel) upload()
    await expectWhole(pair, user, plan)
  })

  test('the client resets while it sends', async () => {
    const pair = await open(user, { up: NEVER_WHOLE, down: 1 })
    pair.client.send(PAYLOAD)
    await pair.target.until(BROKEN_AT)
    pair.client.reset()
    const code = await expectBroken(pair, { from: pair.client, to: pair.target, way: 'up' }, user)
    expect(code).toBe('CLIENT_RESET')
  })

  test('the client resets while the target sends', async () => {
    const pair = await open(user, { up: 1, down: NEVER_WHOLE })
    pair.target.send(PAYLOAD)
    await pair.client.until(BROKEN_AT)
    pair.client.reset()
    await pair.target.closed()
    expect(pair.target.ended).toBe(false)
    expect((await book(user, pair.end)).code).toBe('CLIENT_RESET')
  })

  test('the target resets while it sends', async () => {
    const pair = await open(user, { up: 1, down: NEVER_WHOLE })
    pair.target.send(PAYLOAD)
    await pair.client.until(BROKEN_AT)
    pair.target.reset()
    const code = await expectBroken(pair, { from: pair.target, to: pair.client, way: 'down' }, user)
    expect(code).toBe('TARGET_RESET')
  })

  test('the target resets while the client sends', async () => {
    const pair = await open(user, { up: NEVER_WHOLE, down: 1 })
    pair.client.send(PAYLOAD)
    await pair.target.until(BROKEN_AT)
    pair.target.reset()
    await pair.client.closed()
    expect(pair.client.ended).toBe(false)
    expect((await book(user, pair.end)).code).toBe('TARGET_RESET')
  })

  test.each<[string, Plan]>([
    ['a slow client downloads', { up: 0, down: PAYLOAD.length, paces: ['slow', 'fast'] }],
    ['a slow target is uploaded to', { up: PAYLOAD.length, down: 0, paces: ['fast', 'slow'] }],
    ['both send at once', { up: PAYLOAD.length, down: PAYLOAD.length }],
  ])('%s', async (_what, plan) => {
    const pair = await open(user, plan)
    pair.client.send(PAYLOAD.subarray(0, plan.up))
    pair.target.send(PAYLOAD.subarray(0, plan.down))
    if (isTunnel) pair.client.finish()
    await pair.target.until(plan.up)
    pair.target.finish()
    await expectWhole(pair, user, plan)
  })
})

test('nothing stays, and the ledger has it all', async () => {
  const metrics = async (): Promise<string> =>
    (await fetch(`http://127.0.0.1:${running.ops.port}/metrics`)).text()
  await expect
    .poll(async () =>
      [...(await metrics()).matchAll(/^sluice_sessions_active\{.*\} (\d+)$/gm)].map(([, n]) => n),
    )
    .toEqual(['0', '0'])
  for (const [name, { up, down }] of booked)
    await expect.poll(async () => (await running.program.store.usage(name))[0]).toMatchObject({ up, down })
  // One for the metrics that have just been asked for.
  await expect.poll(descriptorCount).toBeLessThanOrEqual(descriptors + 2)
})
