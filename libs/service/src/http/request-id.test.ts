import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DoneRequest } from './forward/settings.ts'
import { ADA, basic, heard, HttpStage, OK } from './testing/http-stage.ts'

let stage: HttpStage
let given: number
const done: DoneRequest[] = []

beforeEach(async () => {
  given = 0
  stage = await HttpStage.open({
    requestId: () => `r${(given += 1)}`,
    onDone: (request) => done.push(request),
  })
})
afterEach(() => stage[Symbol.asyncDispose]())

const idsOf = (text: string): string[] =>
  [...text.matchAll(/\r\nSluice-Request-Id: (\w+)(?=\r\n)/g)].map(([, id]) => id!)

describe('the name of a request', () => {
  test('is told with its response, another for each, and stands in the log', async () => {
    const client = await stage.client(stage.get() + stage.get())
    const conn = await stage.target.next()
    for (let round = 0; round < 2; round += 1) {
      expect(await conn.take()).not.toContain('Sluice')
      conn.send(OK)
    }
    const told = await heard(client, 'hello', (await heard(client, 'hello')).length)
    const ids = idsOf(client.received.toString())
    expect([ids.length, new Set(ids).size, told.length > 0]).toEqual([2, 2, true])
    expect(stage.lines('request.end').map(({ id }) => id)).toEqual(ids)
    expect(done.map(({ id }) => id)).toEqual(ids)
  })

  test('is told with a failure', async () => {
    const client = await stage.client(stage.get().replace(stage.target.authority, '127.0.0.1:1'))
    const ids = idsOf(await heard(client, '.\n'))
    expect(ids.length).toBe(1)
    expect(stage.lines('request.end').map(({ id }) => id)).toEqual(ids)
  })

  test('is told with a tunnel, and with one that fails', async () => {
    const client = await stage.client(stage.connect())
    const ids = idsOf(await heard(client, '\r\n\r\n'))
    client.reset()
    await stage.door.end(client)
    const failed = await stage.client(stage.connect().replace(stage.target.authority, '127.0.0.1:1'))
    ids.push(...idsOf((await failed.lastWords()).toString()))
    await stage.door.end(failed)
    expect(ids.length).toBe(2)
    expect(stage.lines('session.end').map(({ id }) => id)).toEqual(ids)
  })

  test.each([
    ['is no request', () => 'GET / HTTP/1.1\r\n\r\n'],
    ['is no HTTP', () => 'GET\r\n\r\n'],
    [
      'has a wrong password',
      () => stage.get(`Proxy-Authorization: ${basic({ ...ADA, password: 'no' })}\r\n`),
    ],
  ])('of what %s stands in the line of its session', async (_, text) => {
    const client = await stage.client(text())
    const ids = idsOf((await client.lastWords()).toString())
    await stage.door.end(client)
    expect(ids.length).toBe(1)
    expect(stage.lines('session.end').map(({ id }) => id)).toEqual(ids)
  })

  test('of what is no request behind one that was, too', async () => {
    const client = await stage.client(`${stage.get()}GET / HTTP/1.1\r\n\r\n`)
    const conn = await stage.target.next()
    await conn.take()
    conn.send(OK)
    const ids = idsOf((await client.lastWords()).toString())
    await stage.door.end(client)
    expect(ids.length).toBe(2)
    expect(stage.lines('session.end').map(({ id }) => id)).toEqual(ids.slice(1))
  })

  test('is told with an upgrade, and with an answer of ours', async () => {
    const login = `Proxy-Authorization: ${basic(ADA)}\r\n`
    const client = await stage.client(stage.get(`${login}Max-Forwards: 0\r\n`, 'OPTIONS'))
    expect(idsOf(await heard(client, '\r\n\r\n')).length).toBe(1)
    const upgrade = await stage.client(stage.get(`${login}Connection: upgrade\r\nUpgrade: x\r\n`))
    const conn = await stage.target.next()
    await conn.take()
    conn.send('HTTP/1.1 103 Early Hints\r\n\r\n')
    expect(idsOf(await heard(upgrade, '\r\n\r\n'))).toEqual([])
    conn.send('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n')
    expect(idsOf(await heard(upgrade, 'Sluice-Request-Id: r2\r\n\r\n'))).toEqual(['r2'])
  })
})

test('nothing has a name where none is given', async () => {
  await using nameless = await HttpStage.open()
  const client = await nameless.client(nameless.get(''))
  expect(await heard(client, '.\n')).not.toContain('Request-Id')
  client.send(Buffer.from(nameless.get()))
  const conn = await nameless.target.next()
  await conn.take()
  conn.send(OK)
  expect(await heard(client, 'hello')).not.toContain('Request-Id')
  client.close()
  await nameless.door.end(client)
  expect(nameless.door.lines.join('')).not.toMatch(/"id"|"waitedMs"/)
})
