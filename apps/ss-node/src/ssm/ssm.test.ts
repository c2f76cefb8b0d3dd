import { describe, it } from 'vitest'
import type { SharedPort } from '../remote/remote-ports.ts'
import { TestRegister } from '../remote/testing/test-register.ts'
import { type SsmServer, startSsm } from './ssm-server.ts'
import { SsmCounters } from './ssm-stats.ts'
import { SsmUsers } from './ssm-users.ts'

const TOKEN = 'a-token-of-24-characters'
const METHOD = '2022-blake3-aes-128-gcm'
const KEY = 'oE/s2z9Q8EWORAB8B3UCxw=='
const OTHER = 'DL7Vrnv7sOdPPDghtxyxgg=='
const ZERO = {
  downlinkBytes: 0,
  downlinkPackets: 0,
  uplinkBytes: 0,
  uplinkPackets: 0,
  tcpSessions: 0,
  udpSessions: 0,
}

class TestSsm implements AsyncDisposable {
  readonly test: TestRegister
  readonly failures: unknown[]
  readonly #server: SsmServer

  static async open(
    shared: SharedPort | 'none' = { port: 8388, isUsual: false, method: METHOD },
  ): Promise<TestSsm> {
    const test = await TestRegister.open()
    const failures: unknown[] = []
    const server = await startSsm({
      address: { host: '127.0.0.1', port: 0 },
      token: TOKEN,
      tls: undefined,
      users: new SsmUsers(test.register, { shared: () => (shared === 'none' ? undefined : shared) }),
      counters: new SsmCounters(test.register),
      onFailed: (error) => void failures.push(error),
    })
    return new TestSsm(test, server, failures)
  }

  private constructor(test: TestRegister, server: SsmServer, failures: unknown[]) {
    this.test = test
    this.failures = failures
    this.#server = server
  }

  /** Status and body, the latter undefined where it is empty. */
  async ask(
    method: string,
    path: string,
    body?: unknown,
    token: string = TOKEN,
  ): Promise<[number, unknown?]> {
    const { host, port } = this.#server.address
    const response = await fetch(`http://${host}:${port}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return text === '' ? [response.status] : [response.status, JSON.parse(text)]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close()
    await this.test[Symbol.asyncDispose]()
  }
}

describe.concurrent('the management API', () => {
  it('wants the token', async ({ expect }) => {
    await using ssm = await TestSsm.open()
    const refused = { error: 'wanted authorization: Bearer and the token' }
    for (const path of ['/', '/users', '/users/ada', '/stats', '/nowhere']) {
      expect(await ssm.ask('GET', path, undefined, `${TOKEN}x`)).toEqual([401, refused])
    }
    expect(await ssm.ask('POST', '/users', { username: 'ada', uPSK: KEY }, 'x')).toEqual([401, refused])
    expect([...ssm.test.register.users()]).toEqual([])
  })

  it('says who it is, below both paths', async ({ expect }) => {
    await using ssm = await TestSsm.open()
    const info = { server: 'sluice ss-node', apiVersion: 'v1' }
    for (const path of ['/', '/server/v1', '/server/v1/'])
      expect(await ssm.ask('GET', path)).toEqual([200, info])
    expect(await ssm.ask('GET', '/server/v1/users')).toEqual([200, { users: [] }])
    expect(await ssm.ask('GET', '/server/v2')).toEqual([404, { error: 'there is no such thing here' }])
  })

  it('adds, tells, changes and removes users', async ({ expect }) => {
    await using ssm = await TestSsm.open()
    const { register, lines } = ssm.test
    expect(await ssm.ask('POST', '/users', { username: 'ada', uPSK: KEY })).toEqual([201])
    expect(register.byName('ada')?.credentials).toEqual([
      { kind: 'ss', port: 8388, method: METHOD, secret: KEY },
    ])
    expect(await ssm.ask('GET', '/users')).toEqual([200, { users: [{ username: 'ada', uPSK: KEY }] }])
    expect(await ssm.ask('GET', '/users/ada')).toEqual([200, { username: 'ada', uPSK: KEY, ...ZERO }])
    expect(await ssm.ask('PATCH', '/users/ada', { uPSK: OTHER })).toEqual([204])
    expect(await ssm.ask('GET', '/users')).toEqual([200, { users: [{ username: 'ada', uPSK: OTHER }] }])
    expect(await ssm.ask('PUT', '/users/ada', { uPSK: KEY })).toEqual([204])
    expect(await ssm.ask('DELETE', '/users/ada')).toEqual([204])
    expect([...register.users()]).toEqual([])
    expect(lines).toHaveLength(4)
    expect(JSON.stringify(lines)).not.toMatch(/oE\/|DL7V/)
  })

  it('says what cannot be', async ({ expect }) => {
    await using ssm = await TestSsm.open()
    await ssm.ask('POST', '/users', { username: 'ada', uPSK: KEY })
    const asked = async (...question: Parameters<TestSsm['ask']>): Promise<number> => {
      const [status, body] = await ssm.ask(...question)
      expect(body).toEqual({ error: expect.any(String) })
      expect(JSON.stringify(body)).not.toMatch(/oE\/s|hush/)
      return status
    }
    for (const body of [
      { username: 'ada', uPSK: KEY },
      { username: 'a b', uPSK: KEY },
      { username: 'bob', uPSK: 'hush' },
      { username: 'bob' },
      [],
      '{"username":',
      '"hush"',
    ]) {
      expect(await asked('POST', '/users', body)).toBe(400)
    }
    expect(await asked('POST', '/users', { username: 'bob', uPSK: 'x'.repeat(20_000) })).toBe(413)
    expect(await asked('PATCH', '/users/ada', { uPSK: KEY })).toBe(400)
    expect(await asked('PATCH', '/users/ada', { uPSK: 'hush' })).toBe(400)
    expect(await asked('PATCH', '/users/bob', { uPSK: OTHER })).toBe(404)
    expect(await asked('GET', '/users/bob')).toBe(404)
    expect(await asked('DELETE', '/users/bob')).toBe(404)
    expect(await asked('GET', '/users/%ff')).toBe(400)
    expect(ssm.failures).toEqual([])
    expect([...ssm.test.register.users()]).toHaveLength(1)
  })

  it('leaves users with ports of their own alone', async ({ expect }) => {
    await using ssm = await TestSsm.open()
    const credentials = [{ kind: 'ss', port: 9000, method: 'aes-256-gcm', secret: 'x' }] as const
    await ssm.test.register.add('grpc', { name: 'ada', credentials })
    await ssm.test.register.add('grpc', { name: 'bob' })
    expect(await ssm.ask('GET', '/users')).toEqual([200, { users: [] }])
    for (const name of ['ada', 'bob']) expect((await ssm.ask('DELETE', `/users/${name}`))[0]).toBe(404)
    // A name is anybody's.
    expect((await ssm.ask('POST', '/users', { username: 'ada', uPSK: KEY }))[0]).toBe(400)
  })

  it('has nothing to manage where no port is shared', async ({ expect }) => {
    await using ssm = await TestSsm.open('none')
    const error = 'no port is shared by users'
    expect(await ssm.ask('GET', '/users')).toEqual([404, { error }])
    expect(await ssm.ask('GET', '/stats')).toEqual([404, { error }])
    expect(await ssm.ask('POST', '/users', { username: 'ada', uPSK: KEY })).toEqual([404, { error }])
  })

  it('counts payload, until it is cleared', async ({ expect }) => {
    await using ssm = await TestSsm.open()
    const { register } = ssm.test
    for (const username of ['ada', 'bob']) await ssm.ask('POST', '/users', { username, uPSK: KEY })
    await expect.poll(() => register.account(register.byName('bob')!)).toBeDefined()
    register.account(register.byName('ada')!)!.count('up', 30)
    register.account(register.byName('bob')!)!.count('down', 4)
    const ada = { username: 'ada', ...ZERO, uplinkBytes: 30 }
    const bob = { username: 'bob', ...ZERO, downlinkBytes: 4 }
    const all = { ...ZERO, uplinkBytes: 30, downlinkBytes: 4, users: [ada, bob] }
    expect(await ssm.ask('GET', '/stats')).toEqual([200, all])
    expect(await ssm.ask('GET', '/stats?clear=true')).toEqual([200, all])
    register.account(register.byName('ada')!)!.count('up', 1)
    expect(await ssm.ask('GET', '/users/ada')).toEqual([200, { uPSK: KEY, ...ada, uplinkBytes: 1 }])
    expect(await ssm.ask('GET', '/stats')).toMatchObject([200, { uplinkBytes: 1, downlinkBytes: 0 }])
  })
})
