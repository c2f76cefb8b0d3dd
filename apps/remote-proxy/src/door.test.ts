import type { Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { type End, type Login, TestClient, type TestUser } from '@sluice/service/testing'
import {
  COMMAND,
  decodeResponseHead,
  encodeBasic,
  encodeGreeting,
  encodeRequest,
  encodeUserPass,
  fieldValues,
  formatAddress,
  METHOD,
} from '@sluice/wire'
import type { UserPatch } from '@sluice/userstore'
import type { Address } from '@sluice/wire'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesOf } from './testing/dialects.ts'
import {
  configOf,
  echo,
  openOrigin,
  openTestProgram,
  pour,
  type TestProgram,
} from './testing/test-program.ts'

const MIB = 1024 * 1024
const password = 'horse'
const NAMES = 'disabled removed expiring expired spent tightened lifted crowded roaming halved mixed'
const LIMITS: Readonly<Record<string, TestUser['limits']>> = {
  spent: { quotaBytes: 100_000 },
  lifted: { down: 1, burst: 1 },
  roaming: { ips: 1 },
}
const USERS: TestUser[] = NAMES.split(' ').map((name) => ({ name, password, limits: LIMITS[name] ?? {} }))

let running: TestProgram
let echoing: Address & Disposable
let pouring: Address & Disposable

beforeAll(async () => {
  echoing = await openOrigin(echo)
  pouring = await openOrigin(pour)
  running = await openTestProgram(USERS, '--allow', '127.0.0.0/8')
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  echoing[Symbol.dispose]()
  pouring[Symbol.dispose]()
})

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((each) => each?.address === '::1')
const LOOPBACKS = ['127.0.0.1', 'localhost', ...(hasIpv6 ? ['[::1]'] : [])]

const ESTABLISHED = Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n')

const connectHead = (login: Login, target: Address): Buffer => {
  const authority = formatAddress(target)
  const authorization = encodeBasic(bytesOf(login))
  const lines = [
    `CONNECT ${authority} HTTP/1.1`,
    `Host: ${authority}`,
    `Proxy-Authorization: ${authorization}`,
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
}

const socksBytes = (login: Login, address: Address): Buffer =>
  Buffer.concat([
    encodeGreeting({ methods: Uint8Array.of(METHOD.USER_PASS) }),
    encodeUserPass(bytesOf(login)),
    encodeRequest({ command: COMMAND.CONNECT, address }),
  ])

/** A client whose connection to `target` stands. */
const enter = async (name: string, target: Address, from = '127.0.0.1'): Promise<TestClient> => {
  const client = await TestClient.connect(running.door.http, { from, half: true })
  client.send(connectHead({ name, password }, target))
  expect(await client.take(ESTABLISHED.length)).toEqual(ESTABLISHED)
  return client
}

/** What a client is told that may not enter: code, status, limit. */
const refusal = async (name: string, from = '127.0.0.1', target: Address = echoing): Promise<string> => {
  const client = await TestClient.connect(running.door.http, { from })
  client.send(connectHead({ name, password }, target))
  const { value: head } = decodeResponseHead(await client.lastWords())!
  const field = (wanted: string): string => fieldValues(head, wanted).join()
  return `${head.status} ${field('Sluice-Code')} ${field('Sluice-Limit')}`.trim()
}

const endOf = (client: TestClient): Promise<End> => running.journal.end(client)
const update = (name: string, patch: UserPatch): Promise<unknown> => running.program.store.update(name, patch)

/** The program's own figures, once they are `total`. */
const usage = async (name: string, total: number): Promise<unknown> => {
  await expect
    .poll(async () => (await running.program.store.usage(name))[0]?.total, { interval: 20 })
    .toBe(total)
  return (await running.program.store.usage(name))[0]
}

describe.concurrent('while connections run', () => {
  test('a user that is disabled is cut off, and may come back once enabled', async () => {
    const client = await enter('disabled', echoing)
    await update('disabled', { enabled: false })
    await client.rest()
    expect((await endOf(client)).code).toBe('USER_DISABLED')
    expect(await refusal('disabled')).toBe('403 USER_DISABLED')
    await update('disabled', { enabled: true })
    await expect
      .poll(() => refusal('disabled', '127.0.0.1', running.door.http), { interval: 20 })
      .toBe('403 TARGET_DENIED')
  })

  test('a user that is removed is cut off, and is nobody then', async () => {
    const client = await enter('removed', echoing)
    await running.program.store.remove('removed')
    await client.rest()
    expect((await endOf(client)).code).toBe('USER_REMOVED')
    expect(await refusal('removed')).toBe('407 AUTH_FAILED')
  })

  test('a user that expires is cut off, whether somebody says so or the time has come', async () => {
    const told = await enter('expired', echoing)
    const timed = await enter('expiring', echoing)
    await update('expired', { expiresAt: 1 })
    await update('expiring', { expiresAt: Date.now() + 1000 })
    await Promise.all([told.rest(), timed.rest()])
    expect((await endOf(told)).code).toBe('USER_EXPIRED')
    expect((await endOf(timed)).code).toBe('USER_EXPIRED')
    expect(await refusal('expiring')).toBe('403 USER_EXPIRED')
  })

  test('a quota ends all connections at its last byte, and a higher one lets the user in again', async () => {
    const idle = await enter('spent', echoing)
    const client = await enter('spent', pouring)
    await Promise.all([client.rest(), idle.rest()])
    const { code, down } = await endOf(client)
    expect({ code, down }).toEqual({ code: 'QUOTA_EXCEEDED', down: 100_000 })
    expect((await endOf(idle)).code).toBe('QUOTA_EXCEEDED')
    expect(await refusal('spent')).toBe('429 QUOTA_EXCEEDED quota')
    expect(await usage('spent', 100_000)).toMatchObject({ up: 0, down: 100_000 })
    await update('spent', { limits: { quotaBytes: 200_000 } })
    await expect
      .poll(() => refusal('spent', '127.0.0.1', running.door.http), { interval: 20 })
      .toBe('403 TARGET_DENIED')
  })

  test('a quota given to a user that had none counts what has passed, and cuts', async () => {
    const client = await enter('tightened', pouring)
    await client.take(MIB)
    await update('tightened', { limits: { quotaBytes: MIB } })
    await client.rest()
    expect((await endOf(client)).code).toBe('QUOTA_EXCEEDED')
  })

  test('a rate that is lifted lets a waiting download go', async () => {
    const client = await enter('lifted', pouring)
    await update('lifted', { limits: { down: null, burst: null } })
    expect((await client.take(8 * MIB)).length).toBe(8 * MIB)
    client.close()
  })

  test('more connections than a lowered limit allows are cut, the newest first', async () => {
    const clients = [
      await enter('crowded', echoing),
      await enter('crowded', echoing),
      await enter('crowded', echoing),
    ]
    await update('crowded', { limits: { connections: 1 } })
    await Promise.all(clients.slice(1).map((client) => client.rest()))
    expect((await endOf(clients[2]!)).code).toBe('CONNECTION_LIMIT')
    expect(await refusal('crowded')).toBe('429 CONNECTION_LIMIT connections')
    clients[0]!.send(Buffer.from('still here'))
    await clients[0]!.take(ESTABLISHED.length + 10)
    clients[0]!.finish()
    await endOf(clients[0]!)
    expect(await refusal('crowded', '127.0.0.1', running.door.http)).toBe('403 TARGET_DENIED')
  })

  test('a second address is refused, a second connection of the first is not', async () => {
    const first = await enter('roaming', echoing)
    const second = await enter('roaming', echoing)
    expect(await refusal('roaming', '127.0.0.2')).toBe('429 IP_LIMIT ips')
    for (const client of [first, second]) client.finish()
    await Promise.all([endOf(first), endOf(second)])
    const moved = await enter('roaming', echoing, '127.0.0.2')
    moved.close()
  })
})

/** Sends 5 bytes when the client has ended. */
const answerAtEnd = (socket: Socket): void => void socket.resume().on('end', () => socket.end('after'))
/** Ends first, and tells how much it got after that. */
const endFirst =
  (got: (bytes: number) => void) =>
  (socket: Socket): void => {
    let bytes = 0
    socket
      .end('first')
      .on('data', (chunk) => (bytes += chunk.length))
      .on('end', () => got(bytes))
  }

describe('half-close', () => {
  test('of the client: the target still answers; every byte is booked once', async () => {
    using origin = await openOrigin(answerAtEnd)
    const client = await enter('halved', origin)
    client.send(Buffer.alloc(MIB))
    client.finish()
    expect((await client.rest()).toString()).toBe(`${ESTABLISHED.toString()}after`)
    expect(await endOf(client)).toMatchObject({ code: 'OK', up: MIB, down: 5 })
    expect(await usage('halved', MIB + 5)).toMatchObject({ up: MIB, down: 5, total: MIB + 5 })
  })

  test('of the target: the client may still send', async () => {
    const { promise, resolve } = Promise.withResolvers<number>()
    using origin = await openOrigin(endFirst(resolve))
    const client = await enter('mixed', origin)
    expect((await client.rest()).toString()).toBe(`${ESTABLISHED.toString()}first`)
    client.send(Buffer.alloc(MIB))
    client.finish()
    expect(await promise).toBe(MIB)
    expect(await endOf(client)).toMatchObject({ code: 'OK', up: MIB, down: 5 })
  })
})

describe('the listeners', () => {
  test('announce themselves, and then that all is up', () => {
    const [http, socks, ops, ready] = running.journal.lines.map((line): Record<string, unknown> =>
      JSON.parse(line),
    )
    expect(http).toMatchObject({ msg: 'listening', door: 'http', ...running.door.http })
    expect(socks).toMatchObject({ msg: 'listening', door: 'socks', ...running.door.socks })
    expect(ops).toMatchObject({ msg: 'listening', door: 'ops', ...running.ops })
    expect(ready).toMatchObject({ msg: 'ready' })
  })

  test('each take every protocol', async () => {
    const login = { name: 'mixed', password }
    for (const bytes of [socksBytes, connectHead]) {
      for (const listener of [running.door.http, running.door.socks]) {
        const client = await TestClient.connect(listener)
        client.send(Buffer.concat([bytes(login, echoing), Buffer.from('ping')]))
        await expect.poll(() => client.received.subarray(-4).toString(), { interval: 1 }).toBe('ping')
        client.finish()
        expect(await endOf(client)).toMatchObject({ code: 'OK', up: 4, down: 4 })
      }
    }
  })

  test.each(['http', 'socks', 'ops'] as const)('are no targets, whatever is allowed: %s', async (which) => {
    const listener = which === 'ops' ? running.ops : running.door[which]
    for (const host of ['127.0.0.1', 'localhost', '::ffff:127.0.0.1', '127.0.0.1']) {
      expect(await refusal('mixed', '127.0.0.1', { ...listener, host })).toBe('403 TARGET_DENIED')
    }
  })

  test('are counted in the metrics', async () => {
    const answer = await fetch(`http://${formatAddress(running.ops)}/metrics`)
    expect(await answer.text()).toMatch(/^sluice_sessions_total\{door="socks",code="OK"\} [1-9]/m)
  })
})

describe('a door beyond loopback', () => {
  test.each([
    ['--http', '0.0.0.0:0'],
    ['--socks', '[::]:0'],
  ])('is not opened for nobody: %s %s', async (...argv) => {
    await expect(openTestProgram([], ...argv)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  test('is opened for users, or where the operator says so', async () => {
    await using forUsers = await openTestProgram([USERS[0]!], '--http', '0.0.0.0:0')
    await using told = await openTestProgram([], '--http', '0.0.0.0:0', '--open')
    expect([forUsers.door.http.host, told.door.http.host]).toEqual(['0.0.0.0', '0.0.0.0'])
    const client = await TestClient.connect({ ...told.door.http, host: '127.0.0.1' })
    client.send(Buffer.from('CONNECT a:1 HTTP/1.0\r\n\r\n'))
    expect((await client.rest()).toString()).toMatch(/^HTTP\/1.1 407 /)
  })

  test.each(LOOPBACKS)('%s is not beyond it', async (host) => {
    await using opened = await openTestProgram([], '--http', `${host}:0`, '--socks', `${host}:0`)
    expect(opened.door.socks.port).toBeGreaterThan(0)
  })
})

test('--limit and --capacity hold for users without a rate of their own', async () => {
  const own: TestUser = { name: 'own', password, limits: { up: 5 } }
  await using limited = await openTestProgram([USERS[0]!, own], '--limit', '1KB/s', '--capacity', '2KB')
  const accounts = [...limited.program.directory.accounts()]
  expect(accounts.map(({ share }) => [share.limited('up'), share.limited('down')])).toEqual([
    [true, true],
    [true, false],
  ])
  expect(configOf('--limit', '1KB/s', '--capacity', '2KiB')).toMatchObject({ limit: 1000, capacity: 2048 })
})

test('a stop waits for those who are in, and accepts no more; a second word ends it', async () => {
  const { program, door, journal, ...rest } = await openTestProgram(USERS, '--allow', '127.0.0.0/8')
  const client = await TestClient.connect(door.http)
  client.send(connectHead({ name: 'mixed', password }, echoing))
  await client.take(ESTABLISHED.length)
  const silent = await TestClient.connect(door.http)
  await expect.poll(() => program.sessions.size, { interval: 1 }).toBe(2)
  const stopped = program.stop()
  await silent.rest()
  await expect(TestClient.connect(door.http)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  client.send(Buffer.from('ping'))
  await client.take(ESTABLISHED.length + 4)
  program.hurry()
  await stopped
  expect((await journal.end(client)).code).toBe('SHUTDOWN')
  expect((await journal.end(silent)).code).toBe('SHUTDOWN')
  await rest[Symbol.asyncDispose]()
})

test('nothing secret is in the log', () => {
  const log = running.journal.lines.join('')
  expect(log).not.toContain(password)
  expect(log).not.toContain('scrypt')
  expect(log).not.toContain('INTERNAL')
})
