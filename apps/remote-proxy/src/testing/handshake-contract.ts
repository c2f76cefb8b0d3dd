import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { AddressPolicy, createDial, type Dial, NET_ERROR_CODES, NetError } from '@sluice/net'
import type { ErrorCode, Handshake } from '@sluice/service'
import { type Login, openTestDoor, TestClient, type TestDoor, type TestUser } from '@sluice/service/testing'
import { type Address, formatAddress } from '@sluice/wire'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** What one protocol of a door looks like from the client's side. */
export interface Dialect {
  readonly name: string
  readonly handshake: Handshake
  /** What a client sends before its payload, in parts that each get an answer. */
  messages(target: Address, login: Login): readonly Uint8Array[]
  /** What a client is told before anything is known about its target. */
  readonly agreed: Uint8Array
  /** What it is told, behind that, once the target is reached from `bound`. */
  accepted(bound: Address): Uint8Array
  /** Expects `answer` to be all that a client is told where its session comes to `code`. */
  expectRefused(answer: Uint8Array, code: ErrorCode): void
}

const ADA: TestUser = { name: 'ada', password: 'right-horse' }
const OFF: TestUser = { name: 'off', password: 'p', enabled: false }
const LATE: TestUser = { name: 'late', password: 'p', expiresAt: 1 }
const ONE: TestUser = { name: 'one', password: 'p', limits: { connections: 1 } }
const USERS = [ADA, OFF, LATE, ONE]
const WRONG: readonly (readonly [what: string, login: Login])[] = [
  ['a wrong password', { ...ADA, password: 'wrong-horse' }],
  ['a name that is nobody’s', { ...ADA, name: 'eve' }],
]

const HOSTS = ['192.0.2.7', '2001:db8::7', 'origin.example'] as const
const EARLY_BYTES = [0, 5, 1024 * 1024] as const
const CASES = HOSTS.flatMap((host) => EARLY_BYTES.map((early) => ({ host, early })))

/** The port of a target says how its dial goes. */
const REACHED = 443
const HANGS = 444
const FAILURES = NET_ERROR_CODES.filter((code) => code.startsWith('DIAL_') || code === 'TARGET_DENIED').map(
  (code, index) => ({ code, port: 1000 + index }),
)

const payload = (size: number): Buffer => Buffer.alloc(size, 'sluice')

/** Everything that a handshake owes its client, whatever its protocol. To be called within a describe block. */
export const handshakeContract = (dialect: Dialect): void => {
  const stage = new Stage(dialect)
  beforeAll(() => stage.open())
  afterAll(() => stage.close())
  const { request } = stage

  describe.each(CASES)('$host, $early bytes at once', ({ host, early }) => {
    test('reaches its target', async () => {
      const client = await stage.client()
      client.send(Buffer.concat([request({ host, port: REACHED }), payload(early)]))
      const told = dialect.agreed.length + dialect.accepted(stage.bound).length
      await client.take(told + early)
      client.send(payload(4))
      const all = await client.take(told + early + 4)
      const wanted = [dialect.agreed, dialect.accepted(stage.bound), payload(early), payload(4)]
      expect(all.equals(Buffer.concat(wanted))).toBe(true)
      client.finish()
      const target = formatAddress({ host, port: REACHED })
      const bytes = early + 4
      expect(await stage.end(client)).toMatchObject({
        code: 'OK',
        target,
        user: 'ada',
        up: bytes,
        down: bytes,
      })
    })

    test.each(FAILURES)('is told $code', async ({ code, port }) => {
      const client = await stage.client()
      client.send(Buffer.concat([request({ host, port }), payload(early)]))
      dialect.expectRefused(await client.lastWords(), code)
      expect(await stage.end(client)).toMatchObject({ code, user: 'ada', up: 0, down: 0 })
    })

    test.each(WRONG)('is refused with %s', async (_, login) => {
      const client = await stage.client()
      client.send(Buffer.concat([request({ host, port: REACHED }, login), payload(early)]))
      dialect.expectRefused(await client.lastWords(), 'AUTH_FAILED')
      expect(await stage.end(client)).toMatchObject({ code: 'AUTH_FAILED', up: 0, down: 0 })
    })
  })

  const target = { host: HOSTS[2], port: REACHED }

  test('takes one message at a time', async () => {
    const client = await stage.client()
    let told = 0
    for (const message of dialect.messages(target, ADA)) {
      expect(client.received.length).toBe(told)
      client.send(message)
      told = (await client.take(told + 1)).length
      told = client.received.length
    }
    const wanted = Buffer.concat([dialect.agreed, dialect.accepted(stage.bound)])
    expect(await client.take(wanted.length)).toEqual(wanted)
  })

  test('takes one byte at a time', async () => {
    const client = await stage.client()
    await client.drip(request(target))
    const wanted = Buffer.concat([dialect.agreed, dialect.accepted(stage.bound)])
    expect((await client.take(wanted.length)).length).toBe(wanted.length)
    await client.drip(payload(5))
    expect((await client.take(wanted.length + 5)).subarray(-5)).toEqual(payload(5))
  })

  test('serves a client that has said everything and half-closed', async () => {
    const client = await stage.client()
    client.send(Buffer.concat([request(target, ONE), payload(5)]))
    client.finish()
    expect((await client.rest()).subarray(-5)).toEqual(payload(5))
    expect((await stage.end(client)).code).toBe('OK')
  })

  test.each([
    ['disabled', OFF, 'USER_DISABLED'],
    ['expired', LATE, 'USER_EXPIRED'],
  ] as const)('is told that its user is %s', async (_, user, code) => {
    const client = await stage.client()
    client.send(request(target, user))
    dialect.expectRefused(await client.lastWords(), code)
    expect(await stage.end(client)).toMatchObject({ code, user: user.name })
  })

  test('is told that it has as many connections as allowed', async () => {
    const first = await stage.client()
    first.send(request(target, ONE))
    await first.take(dialect.agreed.length + 1)
    const second = await stage.client()
    second.send(request(target, ONE))
    dialect.expectRefused(await second.lastWords(), 'CONNECTION_LIMIT')
    expect((await stage.end(second)).code).toBe('CONNECTION_LIMIT')
    first.finish()
    await stage.end(first)
  })

  test('is told nothing of success while the dial runs, and why when it is ended', async () => {
    const client = await stage.client()
    client.send(request({ host: HOSTS[0], port: HANGS }))
    await stage.untilHung(1)
    expect(await stage.another()).toBe('OK')
    expect(client.received).toEqual(Buffer.from(dialect.agreed))
    stage.door.sessions.cutAll('USER_REMOVED')
    dialect.expectRefused(await client.lastWords(), 'USER_REMOVED')
  })

  test('gives up the dial when the client has gone', async () => {
    const client = await stage.client()
    client.send(request({ host: HOSTS[0], port: HANGS }))
    await stage.untilHung(1)
    client.reset()
    await stage.untilHung(0)
    expect((await stage.end(client)).code).toBe('CLIENT_CLOSED')
  })

  test('can be cut at each byte', async () => {
    const whole = request(target)
    for (let size = 0; size < whole.length; size++) {
      const client = await stage.client()
      client.send(whole.subarray(0, size))
      client.finish()
      await client.rest()
      expect(await stage.end(client), `after ${size} bytes`).toMatchObject({ code: 'CLIENT_CLOSED' })
    }
    expect(await stage.another()).toBe('OK')
  })

  test('can break off at each byte', async () => {
    const whole = request(target)
    for (let size = 0; size < whole.length; size++) {
      const nth = stage.door.ended
      const client = await stage.client()
      client.send(whole.subarray(0, size))
      client.reset()
      const { code } = await stage.door.end({ nth })
      expect(['CLIENT_CLOSED', 'CLIENT_RESET'], `after ${size} bytes`).toContain(code)
    }
    expect(await stage.another()).toBe('OK')
  })

  test('is not waited for longer than allowed, at whichever byte it stops', async () => {
    const door = await openTestDoor(dialect.handshake, { users: USERS, dial: stage.dial, handshakeMs: 100 })
    const whole = request(target)
    const clients = Array.from(whole, async (_, size) => {
      const client = await TestClient.connect(door.address)
      client.send(whole.subarray(0, size))
      await client.rest()
      return (await door.end(client)).code
    })
    const codes = await Promise.all(clients)
    expect(new Set(codes)).toEqual(new Set(['HANDSHAKE_TIMEOUT']))
    await door.close()
  })

  test('leaves no session, no secret in the log, and nothing that nobody foresaw', async () => {
    await expect.poll(() => stage.door.sessions.size, { interval: 1 }).toBe(0)
    const log = stage.door.lines.join('')
    expect(log).not.toContain('INTERNAL')
    expect(log).not.toContain('horse')
    expect(log).not.toContain(Buffer.from('ada:right-horse').toString('base64'))
  })
}

/** The door, the origin behind it, and a dial that goes as its target's port says. */
class Stage {
  door!: TestDoor
  bound: Address = { host: '127.0.0.1', port: 0 }
  readonly #dialect: Dialect
  readonly #clients: TestClient[] = []
  #origin!: Server
  #hung = 0
  #onHung = (): void => {}

  constructor(dialect: Dialect) {
    this.#dialect = dialect
  }

  async open(): Promise<void> {
    const echo = (socket: Socket): void => {
      this.bound = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
      socket.on('error', () => {}).pipe(socket)
    }
    this.#origin = createServer({ allowHalfOpen: true }, echo).listen(0, '127.0.0.1')
    await once(this.#origin, 'listening')
    this.door = await openTestDoor(this.#dialect.handshake, { users: USERS, dial: this.dial })
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close()
    await this.door.close()
    this.#origin.close()
  }

  readonly request = (target: Address, login: Login = ADA): Buffer =>
    Buffer.concat(this.#dialect.messages(target, login))

  readonly dial: Dial = async ({ port }, signal) => {
    const failure = FAILURES.find((each) => each.port === port)
    if (failure !== undefined) throw new NetError(failure.code, 'as the test wants it')
    if (port === HANGS) return this.#hang(signal)
    const origin = this.#origin.address() as AddressInfo
    return toLoopback({ host: origin.address, port: origin.port }, signal)
  }

  async client(): Promise<TestClient> {
    const client = await TestClient.connect(this.door.address)
    this.#clients.push(client)
    return client
  }

  end(client: TestClient): ReturnType<TestDoor['end']> {
    return this.door.end(client)
  }

  /** Waits until as many dials hang. */
  async untilHung(count: number): Promise<void> {
    while (this.#hung !== count) await new Promise<void>((resolve) => (this.#onHung = resolve))
  }

  /** How another client fares; what was sent before that has arrived by then. */
  async another(): Promise<string> {
    const client = await this.client()
    client.send(Buffer.concat([this.request({ host: HOSTS[0], port: REACHED }), payload(1)]))
    const { agreed } = this.#dialect
    await client.take(agreed.length + this.#dialect.accepted(this.bound).length + 1)
    client.finish()
    return (await this.end(client)).code
  }

  #hang(signal: AbortSignal): Promise<never> {
    this.#hangs(1)
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        this.#hangs(-1)
        reject(signal.reason as Error)
      })
    })
  }

  #hangs(change: number): void {
    this.#hung += change
    this.#onHung()
  }
}

const toLoopback = createDial({ policy: new AddressPolicy(['127.0.0.0/8']) })
