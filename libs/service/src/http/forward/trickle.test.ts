import { AddressPolicy, createDial } from '@sluice/net'
import { encodeBasic } from '@sluice/wire'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ScriptedTarget, type TargetConn } from '../../testing/scripted-target.ts'
import { TestClient } from '../../testing/test-client.ts'
import { openTestDoor, type TestDoor, type TestUser } from '../../testing/test-door.ts'
import { testHttp } from '../testing/test-http.ts'
import { Deadlines } from './deadlines.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE
const ADA: TestUser = { name: 'ada', password: 'horse' }
/** Who gets less through in a minute than a client has to send in one. */
const POOR: TestUser = { name: 'poor', password: 'horse', limits: { up: 1, burst: 1 } }

let door: TestDoor
let target: ScriptedTarget
let client: TestClient
let now: number
let deadlines: Deadlines

beforeEach(async () => {
  now = 0
  deadlines = new Deadlines(() => now)
  target = await ScriptedTarget.open()
  const dial = createDial({ policy: new AddressPolicy(['127.0.0.0/8']) })
  door = await openTestDoor(testHttp({ deadlines }), { users: [ADA, POOR], dial })
  client = await TestClient.connect(door.address)
})
afterEach(async () => {
  client.close()
  await door.close()
  target[Symbol.dispose]()
})

const say = (text: string): void => client.send(Buffer.from(text))
const login = ({ name, password }: TestUser): string =>
  encodeBasic({ username: Buffer.from(name), password: Buffer.from(password) })
const request = (method: string, fields: string, user = ADA): void =>
  say(
    `${method} http://${target.authority}/ HTTP/1.1\r\nHost: x\r\n` +
      `Proxy-Authorization: ${login(user)}\r\n${fields}\r\n`,
  )
const reached = async (): Promise<TargetConn> => {
  const conn = await target.next()
  await conn.take()
  return conn
}
const pass = (ms: number): void => {
  now += ms
  deadlines.sweep()
}
const refused = async (): Promise<void> => {
  expect((await client.lastWords()).toString()).toMatch(/^HTTP\/1.1 408 [^]*HANDSHAKE_TIMEOUT/)
  expect(await door.end(client)).toMatchObject({ code: 'HANDSHAKE_TIMEOUT', user: 'ada' })
}

describe('a body that trickles', () => {
  test.each([
    ['with a length', 'Content-Length: 1000000\r\n', 'x'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n', '1\r\nx\r\n'],
  ])('%s is cut within a minute, and the target does not take it for whole', async (_, fields, piece) => {
    request('POST', fields)
    const conn = await reached()
    for (let seconds = 0; seconds < 59; seconds += 1) {
      say(piece)
      await conn.take(piece)
      pass(SECOND)
      expect(client.over).toBe(false)
    }
    pass(SECOND)
    await refused()
    await conn.until(() => conn.closed)
    expect(conn.ended).toBe(false)
  })

  test('is cut although it began fast', async () => {
    request('POST', 'Content-Length: 1000000\r\n')
    const conn = await reached()
    say('x'.repeat(100_000))
    await conn.until(() => conn.received.length === 100_000)
    pass(MINUTE)
    say('y')
    await conn.take('y')
    pass(MINUTE)
    await refused()
  })

  test('is let be as long as it brings 1 KiB a minute', async () => {
    request('POST', 'Content-Length: 102400\r\n')
    const conn = await reached()
    for (let minutes = 0; minutes < 100; minutes += 1) {
      say('x'.repeat(1024))
      await conn.take('x'.repeat(1024))
      pass(MINUTE)
    }
    conn.send('HTTP/1.1 204 No Content\r\n\r\n')
    await client.take(20)
    expect(client.received.toString()).toMatch(/^HTTP\/1.1 204 /)
  })

  test('is not blamed for the limit of its user', async () => {
    request('POST', 'Content-Length: 50000\r\n', POOR)
    await target.next()
    say('x'.repeat(50_000))
    for (let minutes = 0; minutes < 10; minutes += 1) {
      pass(MINUTE)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(client.over).toBe(false)
  })
})

test('a response may trickle for days', async () => {
  request('GET', '')
  const conn = await reached()
  conn.send('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n')
  let size = (await client.take(38)).length
  for (let days = 0; days < 20; days += 1) {
    size = client.received.length
    conn.send('x')
    await client.take(size + 1)
    pass(DAY)
  }
  expect(client.received.toString()).toMatch(/\r\n\r\nx{20}$/)
})
