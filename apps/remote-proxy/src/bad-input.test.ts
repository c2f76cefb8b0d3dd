import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { AddressPolicy, createDial, createResolver, type DialOptions } from '@sluice/net'
import { OUTCOMES, SignInGuard } from '@sluice/service'
import {
  moreHandles,
  openHandles,
  openTestDoor,
  TestClient,
  type TestDoor,
  type TestDoorOptions,
  type TestUser,
} from '@sluice/service/testing'
import { PasswordVerifier } from '@sluice/userstore'
import { encodeBasic, encodeSumbit, encodeUserPass } from '@sluice/wire'
import { assert, asyncProperty, constantFrom, uint8Array } from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { testHandshake } from './testing/test-handshake.ts'
import { bytesOf, expectHttp } from './testing/dialects.ts'

const ADA: TestUser = { name: 'ada', password: 'horse' }
const LONG: TestUser = { name: 'é'.repeat(127) + 'x', password: 'p'.repeat(255) }
const BINARY: TestUser = { name: 'binary', password: Uint8Array.of(0xff, 0xfe, 0x80) }
const USERS = [ADA, LONG, BINARY]

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
const join = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat(parts)

let origin: Server
let door: TestDoor
/** As it is without --allow. */
let strict: TestDoor

/** What the process held open before this file began. */
const before = openHandles()

const open = (
  allow: readonly string[],
  more: Partial<TestDoorOptions & DialOptions> = {},
): Promise<TestDoor> => {
  const dial = createDial({ policy: new AddressPolicy(allow), ...more })
  return openTestDoor(testHandshake(), { users: USERS, dial, ...more })
}

const echo = (socket: Socket): void => void socket.on('error', () => {}).pipe(socket)
const originPort = (): number => (origin.address() as AddressInfo).port
const portBytes = (): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(originPort())
  return bytes
}

beforeAll(async () => {
  origin = createServer({ allowHalfOpen: true }, echo).listen(0, '127.0.0.1')
  await once(origin, 'listening')
  door = await open(['127.0.0.0/8'])
  strict = await open([])
})
afterAll(async () => {
  await door.close()
  await strict.close()
  origin.close()
})

/** Sends it all and waits for the end. */
const ask = async (at: TestDoor, bytes: Uint8Array): Promise<{ answer: Buffer; code: string }> => {
  const client = await TestClient.connect(at.address)
  client.send(bytes)
  const answer = await client.lastWords()
  return { answer, code: (await at.end(client)).code }
}

interface Served {
  told: Buffer
  echoed: string
  code: string
}

/** Sends it with 4 bytes more, and waits until the origin has echoed these. @param toldSize how much comes before them */
const use = async (at: TestDoor, bytes: Uint8Array, toldSize: number): Promise<Served> => {
  const client = await TestClient.connect(at.address)
  client.send(join(bytes, latin1('ping')))
  const all = await client.take(toldSize + 4)
  client.finish()
  const { code } = await at.end(client)
  return { told: all.subarray(0, toldSize), echoed: all.subarray(toldSize).toString(), code }
}

const GREETING = hex('05 01 02')
const SIGNED_IN = join(GREETING, encodeUserPass(bytesOf(ADA)))
/** What whoever has signed in was told. */
const AGREED = '05 02 01 00'
const NOWHERE = '00 01 00000000 0000'
const ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n'

const served = { echoed: 'ping', code: 'OK' }
/** Uses a target through SOCKS5; the bound address is that of our end, whose port nobody knows beforehand. */
const useSocks5 = async (
  at: TestDoor,
  bytes: Uint8Array,
): Promise<Omit<Served, 'told'> & { told: string }> => {
  const { told, ...rest } = await use(at, bytes, 14)
  return { told: told.subarray(0, -2).toString('hex'), ...rest }
}
const socks5Served = { told: hex(`${AGREED} 05 00 00 01 7f000001`).toString('hex'), ...served }
const useHttp = async (at: TestDoor, text: string): Promise<Omit<Served, 'told'> & { told: string }> => {
  const { told, ...rest } = await use(at, latin1(text), ESTABLISHED.length)
  return { told: told.toString(), ...rest }
}
const httpServed = { told: ESTABLISHED, ...served }

const named = (name: Uint8Array): Buffer =>
  join(hex('05 01 00 03'), Uint8Array.of(name.length), name, portBytes())
const fields = (count: number, size: number): string => `X: ${'x'.repeat(size)}\r\n`.repeat(count)
const authorizationOf = (user: TestUser): string => `Proxy-Authorization: ${encodeBasic(bytesOf(user))}\r\n`
const authorization = authorizationOf(ADA)
/** A head but for the empty line at its end. */
const connectTo = (target: string, user = ADA): string =>
  `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorizationOf(user)}`

describe('SOCKS5', () => {
  test.each([
    ['no methods at all', '05 00', '05 ff', 'AUTH_REQUIRED'],
    ['no method that is taken', '05 02 00 01', '05 ff', 'AUTH_REQUIRED'],
    ['255 methods, none of them taken', `05 ff ${'03'.repeat(255)}`, '05 ff', 'AUTH_REQUIRED'],
    ['no user name and no password', '05 01 02 01 00 00', '05 02 01 01', 'AUTH_FAILED'],
    ['no user name', '05 01 02 01 00 01 70', '05 02 01 01', 'AUTH_FAILED'],
    ['no password', '05 01 02 01 03 616461 00', '05 02 01 01', 'AUTH_FAILED'],
    ['a user name that is no UTF-8', '05 01 02 01 03 c3c3ff 01 70', '05 02 01 01', 'AUTH_FAILED'],
    ['a user name with NUL', '05 01 02 01 04 61646100 05 686f727365', '05 02 01 01', 'AUTH_FAILED'],
    [
      'a sign-in of another version',
      '05 01 02 05 03 616461 05 686f727365',
      '05 02 01 01',
      'HANDSHAKE_INVALID',
    ],
  ])('%s', async (_, bytes, told, code) => {
    expect(await ask(door, hex(bytes))).toEqual({ answer: hex(told), code })
  })

  test.each([
    ['BIND', '05 02 00 01 7f000001 0050', '07', 'COMMAND_UNSUPPORTED'],
    ['UDP ASSOCIATE', '05 03 00 01 00000000 0000', '07', 'COMMAND_UNSUPPORTED'],
    ['an unknown command', '05 ff 00 01 7f000001 0050', '07', 'COMMAND_UNSUPPORTED'],
    ['command 0', '05 00 00 01 7f000001 0050', '01', 'HANDSHAKE_INVALID'],
    ['another version', '04 01 00 01 7f000001 0050', '01', 'HANDSHAKE_INVALID'],
    ['a reserved byte that is not 0', '05 01 01 01 7f000001 0050', '01', 'HANDSHAKE_INVALID'],
    ['port 0', '05 01 00 01 7f000001 0000', '01', 'HANDSHAKE_INVALID'],
    ['an unknown address type', '05 01 00 02 7f000001 0050', '08', 'ADDRESS_TYPE_UNSUPPORTED'],
    ['a name of no bytes', '05 01 00 03 00 0050', '01', 'HANDSHAKE_INVALID'],
    ['a name with NUL', '05 01 00 03 0a 6c6f63616c686f737400 0050', '01', 'HANDSHAKE_INVALID'],
    ['a name with a blank', '05 01 00 03 03 612062 0050', '01', 'HANDSHAKE_INVALID'],
    ['a name that is no ASCII', '05 01 00 03 02 c3a9 0050', '01', 'HANDSHAKE_INVALID'],
    ['a name of 255 bytes that nobody has', `05 01 00 03 ff ${'61'.repeat(255)} 0050`, '04', /^DIAL_NAME_/],
  ])('%s', async (_, request, reply, code) => {
    const { answer, code: found } = await ask(door, join(SIGNED_IN, hex(request)))
    expect(answer).toEqual(hex(`${AGREED} 05 ${reply} ${NOWHERE}`))
    expect(found).toMatch(code)
  })

  test('255 methods, ours among them', async () => {
    const greeting = join(
      hex('05 ff'),
      Uint8Array.from({ length: 255 }, (_, method) => method),
    )
    const whole = join(greeting, encodeUserPass(bytesOf(ADA)), named(latin1('127.0.0.1')))
    expect(await useSocks5(door, whole)).toEqual(socks5Served)
  })

  test.each([LONG, BINARY])(
    '255 bytes of name and password, and a password that is no UTF-8',
    async (user) => {
      const whole = join(GREETING, encodeUserPass(bytesOf(user)), named(latin1('127.0.0.1')))
      expect(await useSocks5(door, whole)).toEqual(socks5Served)
    },
  )
})

describe('targets that lead to this machine', () => {
  const literals: [what: string, request: () => Buffer][] = [
    ['IPv4', () => join(hex('05 01 00 01 7f000001'), portBytes())],
    ['IPv4 in IPv6', () => join(hex('05 01 00 04 00000000000000000000ffff7f000001'), portBytes())],
    ...['127.0.0.1', '::ffff:127.0.0.1', '2130706433', '0x7f.1', '127.1', 'localhost'].map(
      (name): [string, () => Buffer] => [`${name} as a name`, () => named(latin1(name))],
    ),
  ]
  test.each(literals)('SOCKS5 does not go there by default: %s', async (_, request) => {
    expect(await ask(strict, join(SIGNED_IN, request()))).toEqual({
      answer: hex(`${AGREED} 05 02 ${NOWHERE}`),
      code: 'TARGET_DENIED',
    })
  })
  test.each(literals)('and does where it may: %s', async (_, request) => {
    expect(await useSocks5(door, join(SIGNED_IN, request()))).toEqual(socks5Served)
  })

  const hosts = ['127.0.0.1', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', 'localhost']
  test.each(hosts)('CONNECT does not go there by default: %s', async (host) => {
    const { answer, code } = await ask(strict, latin1(`${connectTo(`${host}:${originPort()}`)}\r\n`))
    expect(code).toBe('TARGET_DENIED')
    expectHttp(answer, 'TARGET_DENIED')
  })
  test.each(hosts)('and does where it may: %s', async (host) => {
    expect(await useHttp(door, `${connectTo(`${host}:${originPort()}`)}\r\n`)).toEqual(httpServed)
  })
})

describe('HTTP', () => {
  const good = connectTo('origin:1')
  test.each([
    ['a body', `${good}Content-Length: 4\r\n\r\nbody`, 400, 'HANDSHAKE_INVALID'],
    ['an empty body', `${good}Content-Length: 0\r\n\r\n`, 400, 'HANDSHAKE_INVALID'],
    ['a chunked body', `${good}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400, 'HANDSHAKE_INVALID'],
    ['no port', `${connectTo('origin')}\r\n`, 400, 'HANDSHAKE_INVALID'],
    ['an empty port', `${connectTo('origin:')}\r\n`, 400, 'HANDSHAKE_INVALID'],
    ['port 0', `${connectTo('origin:0')}\r\n`, 400, 'HANDSHAKE_INVALID'],
    ['port 65536', `${connectTo('origin:65536')}\r\n`, 400, 'HANDSHAKE_INVALID'],
    ['a URL', `${connectTo('http://origin:80/')}\r\n`, 400, 'HANDSHAKE_INVALID'],
    ['a user in the target', `${connectTo('ada@origin:80')}\r\n`, 400, 'HANDSHAKE_INVALID'],
    ['IPv6 without brackets', `${connectTo('::1:80')}\r\n`, 400, 'HANDSHAKE_INVALID'],
    ['HTTP/1.0 without credentials', 'CONNECT a:1 HTTP/1.0\r\n\r\n', 407, 'AUTH_REQUIRED'],
    ['HTTP/2.0', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'HANDSHAKE_INVALID'],
    ['no Host', `CONNECT a:1 HTTP/1.1\r\n${authorization}\r\n`, 400, 'HANDSHAKE_INVALID'],
    ['two Hosts', `${good}Host: other\r\n\r\n`, 400, 'HANDSHAKE_INVALID'],
    ['a bare LF', `CONNECT a:1 HTTP/1.1\nHost: a:1\n\n`, 400, 'HANDSHAKE_INVALID'],
    ['a NUL in a field', `${good}X: \0\r\n\r\n`, 400, 'HANDSHAKE_INVALID'],
    ['a folded field', `${good} folded\r\n\r\n`, 400, 'HANDSHAKE_INVALID'],
    ['64 KiB of fields', `${good}${fields(64, 1019)}\r\n`, 431, 'HANDSHAKE_TOO_LONG'],
    ['one field of 64 KiB', `${good}${fields(1, 65_536)}\r\n`, 431, 'HANDSHAKE_TOO_LONG'],
    ['64 KiB without an end', 'C'.repeat(65_536), 431, 'HANDSHAKE_TOO_LONG'],
    ['101 fields', `${good}${fields(99, 1)}\r\n`, 431, 'HANDSHAKE_TOO_LONG'],
    ['origin-form', `GET / HTTP/1.1\r\nHost: origin\r\n\r\n`, 400, 'TARGET_FORM'],
    [
      'another scheme than http',
      `GET ftp://origin/ HTTP/1.1\r\nHost: origin\r\n\r\n`,
      501,
      'SCHEME_UNSUPPORTED',
    ],
    [
      'no credentials',
      'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nConnection: x, Close\r\n\r\n',
      407,
      'AUTH_REQUIRED',
    ],
    ['another scheme', 'CONNECT a:1 HTTP/1.0\r\nProxy-Authorization: Bearer x\r\n\r\n', 407, 'AUTH_REQUIRED'],
    ['credentials twice', `${good}${authorization}\r\n`, 400, 'HANDSHAKE_INVALID'],
    [
      'credentials that are no base64',
      `CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nProxy-Authorization: Basic !\r\n\r\n`,
      400,
      'HANDSHAKE_INVALID',
    ],
    [
      'no password',
      `CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nProxy-Authorization: Basic YWRhOg==\r\n\r\n`,
      407,
      'AUTH_FAILED',
    ],
    [
      'no name',
      `CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nProxy-Authorization: Basic Omhvcg==\r\n\r\n`,
      407,
      'AUTH_FAILED',
    ],
  ] as const)('%s', async (_, text, status, code) => {
    const { answer, code: found } = await ask(door, latin1(text))
    expect(answer.toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(found).toBe(code)
    expectHttp(answer, code)
  })

  test('a client that lacks credentials may come again on its connection', async () => {
    const client = await TestClient.connect(door.address)
    client.send(latin1('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n'))
    await client.take(1)
    expect(client.received.toString()).toMatch(/^HTTP\/1.1 407 /)
    const skip = client.received.length
    client.send(latin1(`${connectTo(`127.0.0.1:${originPort()}`)}\r\n`))
    expect((await client.take(skip + ESTABLISHED.length)).subarray(skip).toString()).toBe(ESTABLISHED)
    client.close()
  })

  test.each([LONG, BINARY])(
    '255 bytes of name and password, and a password that is no UTF-8',
    async (user) => {
      const target = `127.0.0.1:${originPort()}`
      const head = `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\nProxy-Authorization: ${encodeBasic(bytesOf(user))}\r\n\r\n`
      expect(await useHttp(door, head)).toEqual(httpServed)
    },
  )

  test('a name of 255 bytes that nobody has', async () => {
    const { answer, code } = await ask(door, latin1(`${connectTo(`${'a'.repeat(255)}:1`)}\r\n`))
    expect(code).toMatch(/^DIAL_NAME_/)
    expect(answer.toString()).toMatch(/^HTTP\/1.1 502 /)
  })
})

describe('SOCKS4', () => {
  const REJECTED = '00 5b 0000 00000000'
  const OTHER_USER = '00 5d 0000 00000000'
  const ADA_ID = '6164613a686f727365 00'

  test.each([
    ['no user id', '04 01 0050 7f000001 00', OTHER_USER, 'AUTH_REQUIRED'],
    ['a user id without a password', '04 01 0050 7f000001 616461 00', OTHER_USER, 'AUTH_REQUIRED'],
    ['an empty password', '04 01 0050 7f000001 6164613a 00', OTHER_USER, 'AUTH_FAILED'],
    ['a wrong password', '04 01 0050 7f000001 6164613a78 00', OTHER_USER, 'AUTH_FAILED'],
    ['BIND', `04 02 0050 7f000001 ${ADA_ID}`, REJECTED, 'COMMAND_UNSUPPORTED'],
    ['an unknown command', `04 03 0050 7f000001 ${ADA_ID}`, REJECTED, 'COMMAND_UNSUPPORTED'],
    ['command 0', `04 00 0050 7f000001 ${ADA_ID}`, REJECTED, 'HANDSHAKE_INVALID'],
    ['port 0', `04 01 0000 7f000001 ${ADA_ID}`, REJECTED, 'HANDSHAKE_INVALID'],
    ['a name with a blank', `04 01 0050 00000001 ${ADA_ID} 612062 00`, REJECTED, 'HANDSHAKE_INVALID'],
    ['a user id without an end', `04 01 0050 7f000001 ${'61'.repeat(512)}`, REJECTED, 'HANDSHAKE_TOO_LONG'],
    ['a denied target', `04 01 0050 0a000001 ${ADA_ID}`, REJECTED, 'TARGET_DENIED'],
  ])('%s', async (_, bytes, told, code) => {
    expect(await ask(door, hex(bytes))).toEqual({ answer: hex(told), code })
  })

  test('a wrong sumbit line is told in its words', async () => {
    const line = encodeSumbit(bytesOf({ name: 'eve', password: 'x' }))
    const request = hex(`04 01 0050 7f000001 ${ADA_ID}`)
    expect(await ask(door, join(line, request))).toEqual({ answer: hex(OTHER_USER), code: 'AUTH_FAILED' })
  })
})

describe('the sumbit line', () => {
  test.each([
    ['without a password', 'sumbit: ada\r\n', 'HANDSHAKE_INVALID'],
    ['with a word too many', 'sumbit: ada horse x\r\n', 'HANDSHAKE_INVALID'],
    ['spelled well', 'submit: ada horse\r\n', 'HANDSHAKE_INVALID'],
    ['with NUL', 'sumbit: ada\0 horse\r\n', 'HANDSHAKE_INVALID'],
    ['without an end', `sumbit: ${'a'.repeat(2000)}`, 'HANDSHAKE_TOO_LONG'],
    ['with nonsense behind it', 'sumbit: ada horse \r\n\x16\x03\x01', 'PROTOCOL_UNSUPPORTED'],
    ['twice', 'sumbit: ada horse \r\nsumbit: ada horse \r\n', 'PROTOCOL_UNSUPPORTED'],
  ])('%s is not answered', async (_, text, code) => {
    expect(await ask(door, latin1(text))).toEqual({ answer: Buffer.alloc(0), code })
  })

  test.each(['\n', '\r\n', ' \r\n', ' \t \n'])('may end with %j', async (end) => {
    const target = `127.0.0.1:${originPort()}`
    const head = `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`
    expect(await useHttp(door, `sumbit:\tada  horse${end}${head}`)).toEqual(httpServed)
  })

  test('does not stand in for SOCKS5’s own sign-in where that is offered alone', async () => {
    const line = encodeSumbit(bytesOf({ name: 'eve', password: 'x' }))
    expect(await ask(door, join(line, SIGNED_IN))).toEqual({ answer: hex('05 ff'), code: 'AUTH_FAILED' })
    const right = encodeSumbit(bytesOf(ADA))
    expect(await useSocks5(door, join(right, SIGNED_IN, named(latin1('127.0.0.1'))))).toEqual(socks5Served)
  })
})

describe('bytes of no protocol', () => {
  test.each([
    ['SOCKS6', '06 01 0050 7f000001 00'],
    ['TLS', '16 03 01 00 05'],
    ['NUL', '00'],
    ['lower case', '67 65 74 20 2f'],
  ])('%s is not answered', async (_, bytes) => {
    expect(await ask(door, hex(bytes))).toEqual({ answer: Buffer.alloc(0), code: 'PROTOCOL_UNSUPPORTED' })
  })

  test('random bytes come to a code of the peer’s, whatever they begin with', async () => {
    const first = constantFrom(
      hex(''),
      GREETING,
      SIGNED_IN,
      latin1('CONNECT '),
      latin1(connectTo('a:1')),
      latin1('sumbit: '),
    )
    await assert(
      asyncProperty(first, uint8Array({ maxLength: 300 }), async (begin, bytes) => {
        const client = await TestClient.connect(strict.address)
        client.send(join(begin, bytes))
        client.finish()
        await client.rest()
        const { code } = await strict.end(client)
        expect(Object.keys(OUTCOMES)).toContain(code)
        expect(['OK', 'INTERNAL']).not.toContain(code)
      }),
      { numRuns: 300 },
    )
  })
})

describe('in time', () => {
  test.concurrent.each([
    ['nothing', hex(''), '', ''],
    ['a part of a greeting', hex('05 02'), '', ''],
    ['a greeting', GREETING, '05 02 01 01', ''],
    ['a part of a sign-in', join(GREETING, hex('01 03 61')), '05 02 01 01', ''],
    ['a sign-in', SIGNED_IN, `${AGREED} 05 01 ${NOWHERE}`, ''],
    ['a part of a request', join(SIGNED_IN, hex('05 01 00')), `${AGREED} 05 01 ${NOWHERE}`, ''],
    ['a part of a head', latin1('CONNECT a:1 HTTP/1.1\r\n'), '', '408'],
    ['a part of a sumbit line', latin1('sumbit: ada'), '', ''],
    ['a sumbit line', latin1('sumbit: ada horse \r\n'), '', ''],
  ])('a client that sends %s and then no more is told so', async (_, bytes, told, status) => {
    const impatient = await open([], { handshakeMs: 1500 })
    const { answer, code } = await ask(impatient, bytes)
    expect(code).toBe('HANDSHAKE_TIMEOUT')
    if (status === '') expect(answer).toEqual(hex(told))
    else expectHttp(answer, 'HANDSHAKE_TIMEOUT')
    await impatient.close()
  })

  test('a client that drips is not waited for either', async () => {
    const impatient = await open([], { handshakeMs: 200 })
    const client = await TestClient.connect(impatient.address)
    await client.drip(Buffer.alloc(1_000_000, 'C'))
    expect((await impatient.end(client)).code).toMatch(/^HANDSHAKE_(TIMEOUT|TOO_LONG)$/)
    await impatient.close()
  })

  test('a name that nobody resolves', async () => {
    const hopeless = await open([], { deadlineMs: 20, resolver: createResolver({ lookup: () => {} }) })
    const socks = await ask(hopeless, join(SIGNED_IN, named(latin1('silent.example'))))
    expect(socks).toEqual({ answer: hex(`${AGREED} 05 04 ${NOWHERE}`), code: 'DIAL_TIMEOUT' })
    const http = await ask(hopeless, latin1(`${connectTo('silent.example:1')}\r\n`))
    expect(http.answer.toString()).toMatch(/^HTTP\/1.1 504 /)
    await hopeless.close()
  })

  test('a target that never answers', async () => {
    const idle = await open(['127.0.0.0/8'], { idleMs: 1 })
    const client = await TestClient.connect(idle.address)
    client.send(join(SIGNED_IN, named(latin1('127.0.0.1'))))
    await client.take(14)
    await expect.poll(() => (idle.sessions.sweep(), client.over), { interval: 5 }).toBe(true)
    expect((await idle.end(client)).code).toBe('IDLE_TIMEOUT')
    await idle.close()
  })

  test('a client that never reads, which holds up its target and nobody else', async () => {
    const pouring = createServer((socket) => {
      const more = (): void => {
        while (socket.write(Buffer.alloc(65_536)));
      }
      socket.on('error', () => {}).on('drain', more)
      more()
    }).listen(0, '127.0.0.1')
    await once(pouring, 'listening')
    const idle = await open(['127.0.0.0/8'], { idleMs: 50 })
    const client = await TestClient.connect(idle.address)
    const { port } = pouring.address() as AddressInfo
    client.send(latin1(`${connectTo(`127.0.0.1:${port}`)}\r\n`))
    await client.take(ESTABLISHED.length)
    client.pause()
    await expect.poll(() => (idle.sessions.sweep(), idle.ended), { interval: 5 }).toBe(1)
    const { code, down } = await idle.end({ nth: 0 })
    expect(code).toBe('IDLE_TIMEOUT')
    expect(down).toBeLessThan(64 * 1024 * 1024)
    client.close()
    await idle.close()
    pouring.close()
  })
})

describe('too many at once', () => {
  test('of one address that have not signed in', async () => {
    const crowded = await open([], { unauthenticatedPerIp: 1 })
    const first = await TestClient.connect(crowded.address)
    await expect.poll(() => crowded.sessions.size, { interval: 1 }).toBe(1)
    expect(await ask(crowded, GREETING)).toEqual({ answer: Buffer.alloc(0), code: 'UNAUTHENTICATED_LIMIT' })
    first.close()
    await crowded.end(first)
    expect((await ask(crowded, hex('05 00'))).code).toBe('AUTH_REQUIRED')
    await crowded.close()
  })

  test('passwords that wait to be checked', async () => {
    const checked: ((right: boolean) => void)[] = []
    const check = (): Promise<boolean> => new Promise((resolve) => checked.push(resolve))
    const busy = await open([], {
      verifier: new PasswordVerifier({ parallel: 1, waiting: 1, cost: 1, check }),
    })
    const signIn = (password: string): Buffer => join(GREETING, encodeUserPass(bytesOf({ ...ADA, password })))
    const first = await TestClient.connect(busy.address)
    first.send(signIn('horse'))
    await first.take(2)
    const second = await TestClient.connect(busy.address)
    second.send(signIn('other'))
    await second.take(2)
    expect(await ask(busy, signIn('third'))).toEqual({ answer: hex('05 02 01 01'), code: 'AUTH_BUSY' })
    expectHttp(
      (await ask(busy, latin1(`${connectTo('a:1', { ...ADA, password: 'fourth' })}\r\n`))).answer,
      'AUTH_BUSY',
    )
    checked[0]?.(true)
    expect(await first.take(4)).toEqual(hex(AGREED))
    checked[1]?.(false)
    expect(await second.rest()).toEqual(hex('05 02 01 01'))
    await busy.close()
  })

  test('wrong passwords of one address', async () => {
    const guard = new SignInGuard({ failures: 2, backoffMs: 90_000 }, () => 1)
    const guarded = await open(['127.0.0.0/8'], { guard })
    const socks5 = (password: string): Buffer => join(GREETING, encodeUserPass(bytesOf({ ...ADA, password })))
    const http = (password: string): Buffer => latin1(`${connectTo('a:1', { ...ADA, password })}\r\n`)
    expect((await ask(guarded, socks5('wrong'))).code).toBe('AUTH_FAILED')
    expect((await ask(guarded, socks5('wronger'))).code).toBe('AUTH_FAILED')
    expect(await ask(guarded, socks5('horse'))).toEqual({ answer: hex('05 02 01 01'), code: 'AUTH_LIMIT' })
    const { answer } = await ask(guarded, http('horse'))
    expectHttp(answer, 'AUTH_LIMIT')
    expect(answer.toString()).toContain('Sluice-Limit: sign-ins\r\nRetry-After: 1\r\n')
    await guarded.close()
  })

  test.each([
    ['SOCKS5', hex('05 02 01 01'), join(GREETING, encodeUserPass(bytesOf(ADA)))],
    ['HTTP', 'HANDSHAKE_TIMEOUT', latin1(`${connectTo('a:1', ADA)}\r\n`)],
  ] as const)(
    'a check that outlasts the handshake ends in the background: %s',
    async (_name, wanted, hello) => {
      const checked: ((right: boolean) => void)[] = []
      const check = (): Promise<boolean> => new Promise((resolve) => checked.push(resolve))
      const slow = await open([], { verifier: new PasswordVerifier({ cost: 1, check }), handshakeMs: 10_000 })
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      const asked = ask(slow, hello)
      while (checked.length === 0) await turn()
      vi.advanceTimersByTime(10_000)
      const { answer, code } = await asked
      vi.useRealTimers()
      expect(code).toBe('HANDSHAKE_TIMEOUT')
      if (typeof wanted === 'string') expectHttp(answer, wanted)
      else expect(answer).toEqual(wanted)
      checked[0]?.(true)
      await turn()
      expect((await ask(slow, latin1(`${connectTo('127.0.0.1:1', ADA)}\r\n`))).code).toBe('TARGET_DENIED')
      expect(checked).toHaveLength(1)
      await slow.close()
    },
  )
})

test('a client that was refused and stays is let go of', async () => {
  const stays = [hex('05 00'), latin1('GET / HTTP/1.1\r\n\r\n'), hex('00')].map(async (bytes) => {
    const client = await TestClient.connect(door.address, { half: true })
    client.send(bytes)
    await client.rest()
    const { code } = await door.end(client)
    client.close()
    return code
  })
  expect(await Promise.all(stays)).toEqual(['AUTH_REQUIRED', 'TARGET_FORM', 'PROTOCOL_UNSUPPORTED'])
})

test('after all of it nothing is left, nothing secret was logged, and the door serves', async () => {
  for (const each of [door, strict]) {
    await expect.poll(() => each.sessions.size, { interval: 1 }).toBe(0)
    // The listeners of the origin and of two doors, and the timer of the poll.
    const own = { TCPServerWrap: 3, Timeout: 1 }
    await expect.poll(() => moreHandles(before, own), { interval: 1 }).toEqual({})
    const log = each.lines.join('')
    for (const secret of ['horse', 'cGFkYT', 'YWRhOmhvcnNl', 'pppp', 'INTERNAL'])
      expect(log).not.toContain(secret)
  }
  expect(await useSocks5(door, join(SIGNED_IN, named(latin1('127.0.0.1'))))).toEqual(socks5Served)
})
