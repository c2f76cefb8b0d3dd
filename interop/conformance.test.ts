import { afterAll, beforeAll, describe } from 'vitest'
import { conform } from './conformance-table.ts'
import { deadPort, echoOrigin, type Origin } from './origin.ts'
import { script } from './script.ts'
import { LOGIN, OTHER_LOGIN, Servers } from './servers.ts'

// The same scripted bytes to ours and to others. What each answers stands in docs/conformance.md, and why, where ours
// answers otherwise: so that it is seen when anybody changes their mind.

const servers = new Servers()
let echo: Origin
let dead: number

beforeAll(async () => {
  echo = await echoOrigin()
  dead = await deadPort()
  await servers.startOurs()
  await servers.startDanted()
  await servers.startMicrosocks()
  await servers.startTinyproxy()
  await servers.startSquid()
})
afterAll(async () => {
  echo[Symbol.dispose]()
  await servers[Symbol.asyncDispose]()
})

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const withPort = (request: string, port: number): Buffer =>
  Buffer.concat([hex(request), Buffer.from([port >> 8, port & 255])])

describe('SOCKS5', () => {
  const passwordMethod = hex('05 01 02')
  const password = hex('01 03 6f7261 03 636c65')
  const toEcho = (): Buffer => withPort('05 01 00 01 7f000001', echo.port)
  const toName = (): Buffer => withPort('05 01 00 03 09 6c6f63616c686f7374', echo.port)

  interface Asked {
    readonly request: () => Buffer
    readonly payload?: string
    readonly atOnce?: boolean
  }

  /** Its reply code, `nothing` where none came, and what came back of the payload. */
  const ask = async (server: string, { request, payload = '', atOnce = false }: Asked): Promise<string> => {
    // danted has no users: its method is PAM or the machine's own.
    const signIn = server === 'danted' ? [hex('05 01 00')] : [passwordMethod, password]
    const messages = [...signIn, request(), Buffer.from(payload)]
    const answer = await script(servers.port(server), messages, atOnce)
    const reply = answer.subarray(2 * signIn.length)
    if (reply.length < 2) return 'nothing'
    const echoed = reply[1] === 0 && payload !== '' ? reply.toString('latin1', 10) : ''
    return `${reply.toString('hex', 1, 2)} ${echoed}`.trim()
  }

  const cases: Record<string, Asked> = {
    IPv4: { request: toEcho, payload: 'ping' },
    'a name': { request: toName, payload: 'ping' },
    'nothing behind it': { request: toEcho },
    'all in one segment': { request: toEcho, payload: 'ping', atOnce: true },
    'a closed port': { request: () => withPort('05 01 00 01 7f000001', dead) },
    'a name that nobody has': { request: () => withPort('05 01 00 03 0e 6e6f626f64792e696e76616c6964', 80) },
    BIND: { request: () => withPort('05 02 00 01 7f000001', 80) },
    'BIND to a name': { request: () => withPort('05 02 00 03 09 6c6f63616c686f7374', 80) },
    'UDP ASSOCIATE': { request: () => withPort('05 03 00 01 00000000', 0) },
    'an unknown command': { request: () => withPort('05 09 00 01 7f000001', 80) },
    'an unknown address type': { request: () => withPort('05 01 00 02 7f000001', 80) },
    'a reserved byte of 1': { request: () => withPort('05 01 01 01 7f000001', dead) },
    'UDP ASSOCIATE from a port': { request: () => withPort('05 03 00 01 7f000001', 4000) },
    'UDP ASSOCIATE from a name': { request: () => withPort('05 03 00 03 09 6c6f63616c686f7374', 0) },
    'port 0': { request: () => withPort('05 01 00 01 7f000001', 0) },
    '0.0.0.0': { request: () => withPort('05 01 00 01 00000000', dead) },
    'a name of no length': { request: () => withPort('05 01 00 03 00', dead) },
    'version 4 in the request': { request: () => withPort('04 01 00 01 7f000001', dead) },
  }
  conform('SOCKS5', cases, ask)
})

describe('SOCKS4', () => {
  const USER_ID = '6f7261 3a 636c65 00'

  interface Asked {
    readonly request: () => Buffer
    readonly payload?: string
    readonly atOnce?: boolean
  }

  /** Its reply code, `nothing` where none came, and what came back of the payload. */
  const ask = async (server: string, { request, payload = '', atOnce = false }: Asked): Promise<string> => {
    const reply = await script(servers.port(server), [request(), Buffer.from(payload)], atOnce)
    if (reply.length < 2) return 'nothing'
    const echoed = reply[1] === 0x5a && payload !== '' ? reply.toString('latin1', 8) : ''
    return `${reply.toString('hex', 1, 2)} ${echoed}`.trim()
  }
  const portHex = (port: number): string => port.toString(16).padStart(4, '0')
  const to = (command: string, port: number, address: string, behind = USER_ID): Buffer =>
    hex(`04 ${command} ${portHex(port)} ${address} ${behind}`)
  const LOCALHOST = '6c6f63616c686f7374 00'

  const cases: Record<string, Asked> = {
    IPv4: { request: () => to('01', echo.port, '7f000001'), payload: 'ping' },
    'a name': { request: () => to('01', echo.port, '00000001', USER_ID + LOCALHOST), payload: 'ping' },
    'all in one segment': {
      request: () => to('01', echo.port, '7f000001'),
      payload: 'ping',
      atOnce: true,
    },
    'no user id': { request: () => to('01', echo.port, '7f000001', '00') },
    'a wrong password': { request: () => to('01', echo.port, '7f000001', '6f7261 3a 6e6f 00') },
    'a closed port': { request: () => to('01', dead, '7f000001') },
    'a name that nobody has': {
      request: () => to('01', 80, '00000001', `${USER_ID} 6e6f626f64792e696e76616c6964 00`),
    },
    '0.0.0.0': { request: () => to('01', dead, '00000000') },
    'a name of no length': { request: () => to('01', dead, '00000001', `${USER_ID} 00`) },
    'a user id of 600 bytes': { request: () => to('01', dead, '7f000001', `${'75'.repeat(600)} 00`) },
    BIND: { request: () => to('02', 80, '7f000001') },
    'an unknown command': { request: () => to('03', 80, '7f000001') },
  }
  conform('SOCKS4', cases, ask)
})

describe('CONNECT', () => {
  const basic = (text: string): string =>
    `Proxy-Authorization: Basic ${Buffer.from(text).toString('base64')}\r\n`
  const login = basic(`${LOGIN.name}:${LOGIN.password}`)
  const target = (): string => `127.0.0.1:${echo.port}`
  const host = 'Host: there\r\n'

  interface Asked {
    readonly request: () => string
    readonly payload?: string
    readonly atOnce?: boolean
  }

  /** Its status, `nothing` where none came, and behind a 200 what came back of the payload. */
  const ask = async (server: string, { request, payload = '', atOnce = false }: Asked): Promise<string> => {
    const messages = [Buffer.from(request(), 'latin1'), Buffer.from(payload)]
    const answer = (await script(servers.port(server), messages, atOnce)).toString('latin1')
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1] ?? 'nothing'
    return status === '200' ? `200 ${answer.slice(answer.indexOf('\r\n\r\n') + 4)}`.trim() : status
  }

  const cases: Record<string, Asked> = {
    IPv4: { request: () => `CONNECT ${target()} HTTP/1.1\r\n${host}${login}\r\n`, payload: 'ping' },
    'a name': {
      request: () => `CONNECT localhost:${echo.port} HTTP/1.1\r\n${host}${login}\r\n`,
      payload: 'ping',
    },
    'all in one segment': {
      request: () => `CONNECT ${target()} HTTP/1.1\r\n${host}${login}\r\n`,
      payload: 'ping',
      atOnce: true,
    },
    'HTTP/1.0': { request: () => `CONNECT ${target()} HTTP/1.0\r\n${host}${login}\r\n` },
    'no login': { request: () => `CONNECT ${target()} HTTP/1.1\r\n${host}\r\n` },
    'a wrong password': {
      request: () => `CONNECT ${target()} HTTP/1.1\r\n${host}${basic(`${OTHER_LOGIN.name}:no`)}\r\n`,
    },
    'a closed port': { request: () => `CONNECT 127.0.0.1:${dead} HTTP/1.1\r\n${host}${login}\r\n` },
    'a name that nobody has': {
      request: () => `CONNECT nobody.invalid:80 HTTP/1.1\r\n${host}${login}\r\n`,
    },
    'no port': { request: () => `CONNECT 127.0.0.1 HTTP/1.1\r\n${host}${login}\r\n` },
    'port 0': { request: () => `CONNECT 127.0.0.1:0 HTTP/1.1\r\n${host}${login}\r\n` },
    'port 65536': { request: () => `CONNECT 127.0.0.1:65536 HTTP/1.1\r\n${host}${login}\r\n` },
    'no Host': { request: () => `CONNECT ${target()} HTTP/1.1\r\n${login}\r\n` },
    'two Hosts': { request: () => `CONNECT ${target()} HTTP/1.1\r\n${host}${host}${login}\r\n` },
    'Content-Length: 0': {
      request: () => `CONNECT ${target()} HTTP/1.1\r\n${host}Content-Length: 0\r\n${login}\r\n`,
    },
    'Transfer-Encoding': {
      request: () => `CONNECT ${target()} HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n${login}\r\n`,
    },
    'a blank before a colon': {
      request: () => `CONNECT ${target()} HTTP/1.1\r\nHost : there\r\n${login}\r\n`,
    },
    'a folded field': {
      request: () => `CONNECT ${target()} HTTP/1.1\r\n${host}X-Folded: a\r\n b\r\n${login}\r\n`,
    },
    'lines that end with LF': {
      request: () => `CONNECT ${target()} HTTP/1.1\r\n${host}${login}\r\n`.replaceAll('\r\n', '\n'),
    },
    'HTTP/2.0': { request: () => `CONNECT ${target()} HTTP/2.0\r\n${host}${login}\r\n` },
    'a field of 20,000 bytes': {
      request: () => `CONNECT ${target()} HTTP/1.1\r\n${host}X-Long: ${'x'.repeat(20_000)}\r\n${login}\r\n`,
    },
  }
  conform('CONNECT', cases, ask)
})
