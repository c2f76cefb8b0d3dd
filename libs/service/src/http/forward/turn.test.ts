import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ServiceError } from '../../errors.ts'
import { ADA, basic, heard, HttpStage, OK, TestQueue } from '../testing/http-stage.ts'
import type { TargetConn } from '../../testing/scripted-target.ts'
import type { TestClient } from '../../testing/test-client.ts'
import type { DoneRequest } from './settings.ts'

let queue: TestQueue
let stage: HttpStage
let done: (Omit<DoneRequest, 'request'> & { user: string | undefined })[]

beforeEach(async () => {
  queue = new TestQueue()
  done = []
  stage = await HttpStage.open({
    enter: queue.enter,
    onDone: (request, { account }) => {
      const { id, code, status, up, down, waitedMs, ms } = request
      done.push({ id, code, status, up, down, waitedMs, ms, user: account.name })
    },
  })
})
afterEach(async () => {
  await stage[Symbol.asyncDispose]()
  if (stage.door.lines.join('').includes('INTERNAL')) throw new Error(stage.door.lines.join(''))
  if (queue.freed !== queue.given) throw new Error(`${queue.given} turns, ${queue.freed} over`)
})

const BODY = (size: number): string => `Proxy-Authorization: ${basic(ADA)}\r\nContent-Length: ${size}\r\n`

describe('a request that is forwarded', () => {
  test('waits for its turn, without a deadline, and holds it until its response has ended', async () => {
    const text = stage.get()
    const client = await stage.client(text)
    const waiting = await queue.next()
    expect(waiting).toMatchObject({ user: 'ada', protocol: 'http', bytes: text.length })
    stage.pass(3_600_000)
    expect([client.over, stage.target.conns.length]).toEqual([false, 0])
    waiting.admit()
    const conn = await stage.target.next()
    await conn.take()
    stage.pass(299_000)
    conn.send(OK.slice(0, -1))
    await heard(client, 'hell')
    expect(queue.freed).toBe(0)
    conn.send('o')
    await heard(client, 'hello')
    expect(queue.freed).toBe(1)
    expect(stage.lines('request.end')).toMatchObject([{ code: 'OK', waitedMs: 3_600_000, ms: 3_899_000 }])
    expect(done).toEqual([
      {
        id: undefined,
        user: 'ada',
        code: 'OK',
        status: 200,
        up: text.length,
        down: client.received.length,
        waitedMs: 3_600_000,
        ms: 3_899_000,
      },
    ])
  })

  test('waits anew for each on one connection, a kept conn notwithstanding', async () => {
    const client = await stage.client(stage.get() + stage.get())
    ;(await queue.next()).admit()
    const conn = await stage.target.next()
    await conn.take()
    expect(queue.waiting.length).toBe(1)
    conn.send(OK)
    const second = await queue.next()
    expect([queue.freed, conn.received]).toEqual([1, ''])
    second.admit()
    await conn.take()
    conn.send(OK)
    await heard(client, 'hello', (await heard(client, 'hello')).length)
    expect([queue.freed, stage.target.conns.length]).toEqual([2, 1])
  })

  test('keeps its turn where a kept conn turns out to be closed', async () => {
    const client = await stage.client(stage.get())
    ;(await queue.next()).admit()
    const old = await stage.target.next()
    await old.take()
    old.send(OK)
    const skip = (await heard(client, 'hello')).length
    old.socket.once('data', () => old.socket.destroy())
    client.send(Buffer.from(stage.get()))
    ;(await queue.next()).admit()
    const fresh = await stage.target.next()
    await fresh.take()
    expect([queue.waiting.length, queue.freed]).toEqual([2, 1])
    fresh.send(OK)
    await heard(client, 'hello', skip)
    expect(queue.freed).toBe(2)
  })

  test('is told that there is no turn, when to come again, and may on the same connection', async () => {
    const client = await stage.client(stage.get())
    ;(await queue.next()).refuse(new ServiceError('QUEUE_FULL', 'full', { retryMs: 6500 }))
    const told = await heard(client, '.\n')
    expect(told).toMatch(/^HTTP\/1.1 503 [^]*\r\nRetry-After: 7\r\n/)
    expect(told).toContain('Sluice-Code: QUEUE_FULL')
    expect(told).not.toContain('Connection: close')
    client.send(Buffer.from(stage.get()))
    ;(await queue.next()).admit()
    const conn = await stage.target.next()
    await conn.take()
    conn.send(OK)
    await heard(client, 'hello', told.length)
    expect(done.map(({ code, status }) => [code, status])).toEqual([
      ['QUEUE_FULL', 503],
      ['OK', 200],
    ])
  })

  test('and brings a body is told so, and the connection ends', async () => {
    const client = await stage.client(stage.get(BODY(1000), 'POST'))
    ;(await queue.next()).refuse(new ServiceError('REQUEST_RATE_LIMIT', 'often', { retryMs: 1 }))
    expect((await client.lastWords()).toString()).toMatch(
      /^HTTP\/1.1 429 [^]*Connection: close\r\n[^]*Retry-After: 1/,
    )
  })

  test('sends a body that came meanwhile when its turn has come', async () => {
    const client = await stage.client(`${stage.get(BODY(5), 'POST')}hello`)
    const waiting = await queue.next()
    waiting.admit()
    const conn = await stage.target.next()
    expect(await conn.take('hello')).toContain('Content-Length: 5')
    conn.send(OK)
    await heard(client, 'hello')
  })

  test.each(['reset', 'close'] as const)('leaves the queue with its client: %s', async (how) => {
    const client = await stage.client(stage.get())
    const waiting = await queue.next()
    stage.pass(700)
    const aborted = new Promise((resolve) => waiting.signal.addEventListener('abort', resolve))
    client[how]()
    await aborted
    expect((await stage.door.end(client)).code).toMatch(/^CLIENT_/)
    expect(waiting.signal.reason).toMatchObject({ code: expect.stringMatching(/^CLIENT_/) as string })
    expect([queue.given, stage.target.conns.length]).toEqual([0, 0])
    expect(done).toMatchObject([{ status: 0, waitedMs: 700, ms: 700 }])
  })

  test('whose turn comes too late has none', async () => {
    const deaf: (() => void)[] = []
    let freed = 0
    await using late = await HttpStage.open({
      enter: () =>
        new Promise((resolve) => deaf.push(() => resolve({ [Symbol.dispose]: () => void (freed += 1) }))),
    })
    const client = await late.client(late.get())
    await expect.poll(() => deaf.length, { interval: 2 }).toBe(1)
    client.reset()
    await late.door.end(client)
    deaf[0]!()
    await expect.poll(() => freed, { interval: 2 }).toBe(1)
    expect(late.target.conns.length).toBe(0)
  })

  test('is told when its session is cut, and gives back its turn within a response', async () => {
    const queued = await stage.client(stage.get())
    const waiting = await queue.next()
    const served = await stage.client(stage.get())
    ;(await queue.next()).admit()
    const conn = await stage.target.next()
    await conn.take()
    conn.send(OK.slice(0, -1))
    await heard(served, 'hell')
    stage.door.sessions.cutAll('SHUTDOWN')
    expect((await queued.lastWords()).toString()).toMatch(/^HTTP\/1.1 503 [^]*SHUTDOWN/)
    expect(waiting.signal.aborted).toBe(true)
    await served.rest()
    await stage.door.end(served)
    expect(queue.freed).toBe(1)
  })

  test('that fails gives back its turn', async () => {
    const refused = stage.get().replace(stage.target.authority, '127.0.0.1:1')
    const client = await stage.client(refused)
    ;(await queue.next()).admit()
    expect(await heard(client, '.\n')).toMatch(/^HTTP\/1.1 502 /)
    expect(queue.freed).toBe(1)
  })

  test('that is refused anyway does not wait', async () => {
    const client = await stage.client(
      stage.get(`Proxy-Authorization: ${basic(ADA)}\r\nVia: 1.1 sluice-test\r\n`),
    )
    expect(await heard(client, '.\n')).toMatch(/^HTTP\/1.1 508 /)
    expect(queue.waiting).toEqual([])
    expect(done).toMatchObject([{ code: 'LOOP_DETECTED', waitedMs: undefined }])
  })

  test('lets go of its turn where another protocol begins', async () => {
    const upgrade = `Proxy-Authorization: ${basic(ADA)}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n`
    const client = await stage.client(stage.get(upgrade))
    ;(await queue.next()).admit()
    const conn = await stage.target.next()
    await conn.take()
    conn.send('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n')
    await heard(client, '\r\n\r\n')
    await expect.poll(() => queue.freed, { interval: 2 }).toBe(1)
    client.send(Buffer.from('ping'))
    await conn.take('ping')
  })
})

describe('a request that has its turn', () => {
  beforeEach(async () => {
    await stage[Symbol.asyncDispose]()
    stage = await HttpStage.open({ enter: queue.enter, pauseMs: 30_000 })
  })

  const admitted = async (text: string): Promise<[TestClient, TargetConn]> => {
    const client = await stage.client(text)
    ;(await queue.next()).admit()
    const conn = await stage.target.next()
    await conn.take()
    return [client, conn]
  }

  test('is cut where its target stalls within the response', async () => {
    const [client, conn] = await admitted(stage.get())
    conn.send(OK.slice(0, -2))
    await heard(client, 'hel')
    stage.pass(30_000)
    conn.send('l')
    await heard(client, 'hell')
    stage.pass(30_000)
    expect([client.over, queue.freed]).toEqual([false, 0])
    stage.pass(30_000)
    expect((await stage.door.end(client)).code).toBe('RESPONSE_TIMEOUT')
    expect(queue.freed).toBe(1)
  })

  test('keeps nobody waiting for a client that takes nothing of its answer', async () => {
    const [client, conn] = await admitted(stage.get())
    client.pause()
    conn.send('HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n')
    conn.send('x'.repeat(20_000_000))
    await expect.poll(() => (stage.pass(30_000), queue.freed), { interval: 5 }).toBe(1)
    expect(stage.lines('request.end')).toEqual([])
    client.resume()
    await client.take(20_000_000)
    await expect.poll(() => stage.lines('request.end')).toMatchObject([{ code: 'OK' }])
  })

  test('keeps nobody waiting for a client that is slow to send its body', async () => {
    const [client, conn] = await admitted(`${stage.get(BODY(5), 'POST')}hell`)
    stage.pass(30_000)
    await expect.poll(() => queue.freed).toBe(1)
    client.send(Buffer.from('o'))
    await conn.take('o')
    conn.send(OK)
    await heard(client, 'hello')
  })

  test('fails where its target takes nothing of the body', async () => {
    const [client, conn] = await admitted(stage.get(BODY(50_000_000), 'POST'))
    conn.socket.pause()
    client.send(Buffer.alloc(50_000_000))
    const ended = (): unknown[] => (stage.pass(30_000), stage.lines('request.end'))
    await expect.poll(ended, { interval: 100 }).toMatchObject([{ code: 'RESPONSE_TIMEOUT' }])
    expect(queue.freed).toBe(1)
  })
})

describe('CONNECT', () => {
  test('waits for its turn, and holds it until its dial has ended', async () => {
    const text = stage.connect()
    const client = await stage.client(text)
    const waiting = await queue.next()
    expect(waiting).toMatchObject({ user: 'ada', protocol: 'connect', bytes: text.length })
    expect([client.received.length, stage.target.conns.length]).toEqual([0, 0])
    waiting.admit()
    await heard(client, '200 Connection established\r\n\r\n')
    expect(queue.freed).toBe(1)
    client.send(Buffer.from('ping'))
    await (await stage.target.next()).take('ping')
  })

  test('is told that there is no turn, and when to come again', async () => {
    const client = await stage.client(stage.connect())
    ;(await queue.next()).refuse(new ServiceError('QUEUE_TIMEOUT', 'late', { retryMs: 2000 }))
    expect((await client.lastWords()).toString()).toMatch(/^HTTP\/1.1 503 [^]*Retry-After: 2\r\n/)
    expect((await stage.door.end(client)).code).toBe('QUEUE_TIMEOUT')
  })

  test.each(['reset', 'close'] as const)('leaves the queue with its client: %s', async (how) => {
    const client = await stage.client(stage.connect())
    const waiting = await queue.next()
    client[how]()
    expect((await stage.door.end(client)).code).toBe('CLIENT_CLOSED')
    expect(waiting.signal.reason).toMatchObject({ code: 'CLIENT_CLOSED' })
    expect([queue.given, stage.target.conns.length]).toEqual([0, 0])
  })

  test('gives back its turn where the dial fails', async () => {
    const client = await stage.client(stage.connect().replace(stage.target.authority, '127.0.0.1:1'))
    ;(await queue.next()).admit()
    expect((await client.lastWords()).toString()).toMatch(/^HTTP\/1.1 502 /)
    expect(queue.freed).toBe(1)
  })

  test('leaves the queue when the program stops', async () => {
    const client = await stage.client(stage.connect())
    const waiting = await queue.next()
    const drained = stage.door.sessions.drained()
    expect((await client.lastWords()).toString()).toMatch(/^HTTP\/1.1 503 [^]*SHUTDOWN/)
    expect(waiting.signal.aborted).toBe(true)
    await drained
  })
})
