import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { describe, it, vi } from 'vitest'
import { TestRegister } from '../remote/testing/test-register.ts'
import type { ManagerDialect } from './dialect.ts'
import { Manager } from './manager.ts'
import { PortUsers } from './port-users.ts'

/** The directory follows the store within a second. */
const WAIT = { timeout: 30_000 }

/** A manager's server over a register of its own, and one who sends it commands. */
class TestManager implements AsyncDisposable {
  readonly test: TestRegister
  readonly manager: Manager
  readonly failures: unknown[]
  readonly #socket: Socket

  static async open(dialect: ManagerDialect, pushMs?: number): Promise<TestManager> {
    const test = await TestRegister.open()
    const failures: unknown[] = []
    const manager = await Manager.open({
      address: { host: '127.0.0.1', port: 0 },
      dialect,
      method: 'chacha20-ietf-poly1305',
      users: new PortUsers(test.register),
      onFailed: (error) => void failures.push(error),
      ...(pushMs !== undefined && { pushMs }),
    })
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return new TestManager(test, manager, failures, socket)
  }

  private constructor(test: TestRegister, manager: Manager, failures: unknown[], socket: Socket) {
    this.test = test
    this.manager = manager
    this.failures = failures
    this.#socket = socket
  }

  send(text: string): void {
    this.#socket.send(text, this.manager.address.port, '127.0.0.1')
  }

  async next(): Promise<string> {
    const [bytes] = (await once(this.#socket, 'message')) as [Buffer]
    return String(bytes)
  }

  ask(text: string): Promise<string> {
    const reply = this.next()
    this.send(text)
    return reply
  }

  /** Bytes of the port, as its sessions would count them. */
  async count(port: number, bytes: number): Promise<void> {
    const { register } = this.test
    const account = await vi.waitUntil(() => register.account(register.byName(`port-${port}`)!), WAIT)
    account.count('up', bytes)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close()
    this.manager.close()
    await this.test[Symbol.asyncDispose]()
  }
}

describe.concurrent('a manager', () => {
  // What Debian's ss-manager 3.3.5 replied to the same.
  it('is answered as libev does', async ({ expect }) => {
    await using server = await TestManager.open('libev')
    const script = [
      ['ping', 'stat: {}'],
      ['list', '[\n]'],
      ['add: {"server_port":28001,"password":"x"}', 'ok'],
      ['add: {"server_port":"28002","password":"y","method":"aes-256-gcm"}', 'ok'],
      [
        'list',
        '[\n\t{"server_port":"28001","password":"x","method":"chacha20-ietf-poly1305"},' +
          '\n\t{"server_port":"28002","password":"y","method":"aes-256-gcm"}\n]',
      ],
      ['ping', 'stat: {"28001":0,"28002":0}'],
      ['remove: {"server_port":28001}', 'ok'],
      ['remove: {"server_port":"28002"}', 'ok'],
      ['remove: {"server_port":28009}', 'ok'],
      ['list', '[\n]'],
      ['add', 'err'],
      ['add: {', 'err'],
      ['add: {"server_port":28003}', 'err'],
      ['add: {"password":"q"}', 'err'],
      ['remove: {}', 'err'],
      ['ping\n', 'stat: {}'],
      ['list: {}', '[\n]'],
    ] as const
    for (const [command, reply] of script)
      expect([command, await server.ask(command)]).toEqual([command, reply])
    expect(server.failures).toEqual([])
  })

  it('adds users, and changes them', async ({ expect }) => {
    await using server = await TestManager.open('libev')
    const { register, lines } = server.test
    await server.ask('add: {"server_port":28001,"password":"x"}')
    const { id } = register.byName('port-28001')!
    expect(await server.ask('add: {"server_port":28001,"password":"z","method":"aes-128-gcm"}')).toBe('ok')
    expect(register.byName('port-28001')).toMatchObject({
      id,
      credentials: [{ kind: 'ss', port: 28_001, method: 'aes-128-gcm', secret: 'z' }],
    })
    expect(lines).toEqual([
      { msg: 'user.changed', by: 'manager', change: 'added', name: 'port-28001' },
      { msg: 'user.changed', by: 'manager', change: 'changed', name: 'port-28001' },
    ])
  })

  it('neither sees nor touches the ports of others', async ({ expect }) => {
    await using server = await TestManager.open('libev')
    const { register } = server.test
    const credentials = [{ kind: 'ss', port: 28_001, method: 'aes-256-gcm', secret: 'x' }] as const
    await register.add('grpc', { name: 'ada', credentials })
    expect(await server.ask('list')).toBe('[\n]')
    expect(await server.ask('add: {"server_port":28001,"password":"z"}')).toBe('port is not available')
    expect(await server.ask('remove: {"server_port":28001}')).toBe('ok')
    expect([...register.users()].map(({ name }) => name)).toEqual(['ada'])
  })

  it('carries commands out in turn, and says nothing to what is none', async ({ expect }) => {
    await using server = await TestManager.open('rust')
    server.send('nonsense')
    server.send('add: {"server_port":28001,"password":"x"}')
    server.send('remove: {"server_port":28001}')
    server.send('add: {"server_port":28001,"password":"y"}')
    const reply = server.ask('list')
    expect(await reply).toBe('ok')
    expect([await server.next(), await server.next()]).toEqual(['ok', 'ok'])
    expect(await server.next()).toContain('"password":"y"')
    expect(await server.ask('add: {"server_port":0,"password":"x"}')).toBe('server_port: wanted 1 to 65535')
  })

  it('of python is pushed what moved since the last time', async ({ expect }) => {
    await using server = await TestManager.open('python')
    await server.ask('add: {"server_port":28001,"password":"x"}')
    await server.ask('add: {"server_port":28002,"password":"x"}')
    await server.count(28_001, 300)
    server.manager.push()
    expect(await server.ask('ping')).toBe('pong')
    const first = server.next()
    server.manager.push()
    expect(await first).toBe('stat: {"28001":300}')
    await server.count(28_002, 5)
    await server.count(28_001, 1)
    server.manager.push()
    expect(await server.next()).toBe('stat: {"28001":1,"28002":5}')
    expect(await server.ask('list')).toBe('ports: [28001, 28002]')
  })

  it('of python is pushed it every few seconds', async ({ expect }) => {
    await using server = await TestManager.open('python', 20)
    await server.ask('add: {"server_port":28001,"password":"x"}')
    await server.count(28_001, 300)
    await server.ask('ping')
    expect(await server.next()).toBe('stat: {"28001":300}')
  })

  it('a port that is taken is told', async ({ expect }) => {
    await using server = await TestManager.open('libev')
    const { address } = server.manager
    const users = new PortUsers(server.test.register)
    const options = { address, dialect: 'libev', method: 'aes-256-gcm', users, onFailed: () => {} } as const
    await expect(Manager.open(options)).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})
