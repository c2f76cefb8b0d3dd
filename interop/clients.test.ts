import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SocksClient } from 'socks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BODY, deadPort, echoOrigin, httpOrigin, type Origin } from './origin.ts'
import { type Ended, run } from './process.ts'
import { Sluice, temporaryFolder } from './sluice.ts'

const NAME = 'cli'
const PASSWORD = 'secret%40:x'
const folder = temporaryFolder()
let sluice: Sluice
let web: Origin
let echo: Origin

beforeAll(async () => {
  web = await httpOrigin()
  echo = await echoOrigin()
  sluice = await Sluice.start()
  await sluice.add(NAME, PASSWORD)
})
afterAll(async () => {
  await sluice[Symbol.asyncDispose]()
  web[Symbol.dispose]()
  echo[Symbol.dispose]()
  rmSync(folder, { recursive: true })
})

/** Waits for a session that ended so. */
const logged = async (code: string): Promise<void> => {
  await expect.poll(() => sluice.log.includes(`"code":"${code}"`)).toBe(true)
}

const chained = (type: string, address: string, ...command: string[]): Promise<Ended> => {
  const file = join(folder, `${type}.conf`)
  const proxy = `${type} ${address.replace(':', ' ')} ${NAME} ${PASSWORD}`
  writeFileSync(file, `strict_chain\nproxy_dns\n[ProxyList]\n${proxy}\n`)
  return run('proxychains4', ['-q', '-f', file, ...command])
}

describe('proxychains4', () => {
  test.each(['127.0.0.1', 'localhost'])('leads curl to %s by SOCKS5', async (host) => {
    const { stdout } = await chained('socks5', sluice.socks, 'curl', '-sS', `http://${host}:${web.port}/`)
    expect(stdout.equals(BODY)).toBe(true)
  })

  test('leads curl by CONNECT over HTTP/1.0', async () => {
    const { stdout } = await chained('http', sluice.http, 'curl', '-sS', `http://127.0.0.1:${web.port}/`)
    expect(stdout.equals(BODY)).toBe(true)
  })
})

const nc = (...args: string[]): Promise<Ended> => run('nc', ['-N', '-w', '5', ...args], 'ping')

describe('nc of OpenBSD', () => {
  test('is refused by SOCKS5, since it knows no password there', async () => {
    const { status, stdout } = await nc('-X', '5', '-x', sluice.socks, '127.0.0.1', String(echo.port))
    expect({ status, out: stdout.toString() }).toEqual({ status: 1, out: '' })
    await logged('AUTH_REQUIRED')
  })

  test('is asked to sign in by CONNECT over HTTP/1.0', async () => {
    const { status, stderr } = await nc('-X', 'connect', '-x', sluice.http, '127.0.0.1', String(echo.port))
    expect(status).toBe(1)
    expect(stderr).toContain('HTTP/1.1 407 Proxy Authentication Required')
  })

  test('sends what a person would type: the sumbit line and CONNECT, and half-closes', async () => {
    const target = `127.0.0.1:${echo.port}`
    const typed = `sumbit: ${NAME} ${PASSWORD} \r\nCONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\nping`
    const { stdout } = await run('nc', ['-N', '-w', '5', ...sluice.socks.split(':')], typed)
    expect(stdout.toString()).toBe('HTTP/1.1 200 Connection established\r\n\r\nping')
  })
})

const socat = (address: string, input: string | Uint8Array = 'ping'): Promise<Ended> =>
  run('socat', ['-t', '5', '-', address], input)
const httpPort = (): string => sluice.http.split(':')[1]!

describe('socat', () => {
  test('goes as PROXY, CONNECT over HTTP/1.0', async () => {
    const login = `proxyauth=${NAME}:${PASSWORD}`
    const { stdout } = await socat(`PROXY:127.0.0.1:127.0.0.1:${echo.port},proxyport=${httpPort()},${login}`)
    expect(stdout.toString()).toBe('ping')
  })

  test('pipes 3 MB there and back, and half-closes', async () => {
    const target = `127.0.0.1:${echo.port}`
    const authorization = `Proxy-Authorization: Basic ${btoa(`${NAME}:${PASSWORD}`)}`
    const head = `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization}\r\n\r\n`
    const { stdout } = await socat(`TCP:${sluice.http}`, Buffer.concat([Buffer.from(head), BODY]))
    expect(stdout.subarray(-BODY.length).equals(BODY)).toBe(true)
  })
})

const connect = async (
  port: number,
  password = PASSWORD,
): ReturnType<typeof SocksClient.createConnection> => {
  const [host = '', proxyPort] = sluice.socks.split(':')
  return SocksClient.createConnection({
    proxy: { host, port: Number(proxyPort), type: 5, userId: NAME, password },
    command: 'connect',
    destination: { host: '127.0.0.1', port },
  })
}

describe('the socks package of npm', () => {
  test('echoes', async () => {
    const { socket } = await connect(echo.port)
    socket.end('ping')
    const [bytes] = (await once(socket, 'data')) as [Buffer]
    expect(bytes.toString()).toBe('ping')
    await once(socket, 'close')
  })

  test('is told what is wrong', async () => {
    await expect(connect(echo.port, 'wrong')).rejects.toThrow('Socks5 Authentication failed')
    await expect(connect(await deadPort())).rejects.toThrow('ConnectionRefused')
  })

  test('is told that BIND is not known unless it is switched on', async () => {
    const [host = '', port] = sluice.socks.split(':')
    const proxy = { host, port: Number(port), type: 5, userId: NAME, password: PASSWORD } as const
    const client = new SocksClient({ proxy, command: 'bind', destination: { host: '127.0.0.1', port: 1 } })
    const failed = once(client, 'error')
    client.connect()
    expect(String((await failed)[0])).toContain('CommandNotSupported')
  })
})
