import { gzipSync } from 'node:zlib'
import { ServiceError } from '@sluice/service'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HeldBytes } from '../held-bytes.ts'
import { type CompatDoor, type CompatDoorOptions, openCompatDoor } from './testing/compat-door.ts'
import { CompatPeer, frameOf } from './testing/compat-peer.ts'
import type { FakeJob } from './testing/fake-jobs.ts'

const REQUEST = { url: 'https://example.com/a?b=c', headers: { Accept: 'text/plain' } }

let door: CompatDoor
const peers: CompatPeer[] = []

const open = async (options: CompatDoorOptions = {}): Promise<void> => {
  await door[Symbol.asyncDispose]()
  door = await openCompatDoor(options)
}
const peer = async (): Promise<CompatPeer> => {
  const made = await CompatPeer.connect(door.address)
  peers.push(made)
  return made
}
const job = (nth = 0): Promise<FakeJob> => vi.waitUntil(() => door.jobs.all[nth])
const asked = async (request: unknown): Promise<CompatPeer> => {
  const made = await peer()
  made.ask(request)
  return made
}

beforeEach(async () => {
  door = await openCompatDoor()
})
afterEach(async () => {
  for (const { socket } of peers.splice(0)) socket.destroy()
  await door[Symbol.asyncDispose]()
})

it('has a request made and answers in one frame, and closes', async () => {
  const client = await asked({ ...REQUEST, more: [1] })
  const { request, ...made } = await job()
  expect(request).toMatchObject({
    method: 'GET',
    fields: [['Accept', 'text/plain']],
    body: undefined,
    redirects: 0,
    timing: 'whole',
    caller: { door: 'compat', protocol: 'compat' },
  })
  expect(String(request.url)).toBe('https://example.com/a?b=c')
  expect(made.cancelled).toBeUndefined()
  const fields = [
    ['Set-Cookie', 'a=1'],
    ['content-type', 'text/plain'],
    ['set-cookie', 'b=2'],
  ] as const
  door.jobs.last!.answer(200, fields, 'hé', 'llo')
  expect(await client.reply()).toEqual({
    status_code: 200,
    headers: { 'Set-Cookie': 'a=1, b=2', 'content-type': 'text/plain' },
    body: 'héllo',
  })
  await client.closed()
  await vi.waitUntil(() => door.lines('session.end').length > 0)
  expect(door.lines('session.end')).toMatchObject([{ code: 'OK', up: 0, down: 6 }])
  expect(door.lines('request.end')).toMatchObject([
    { id: request.id, method: 'GET', host: 'example.com', path: '/a', status: 200, code: 'OK', down: 6 },
  ])
  expect(door.metrics.requests).toEqual(new Map([['OK', 1]]))
})

it('posts where there is something to post, and counts it', async () => {
  await asked({ ...REQUEST, post_data: '{"a":"é"}' })
  const { request, sink } = await job()
  expect(request).toMatchObject({ method: 'POST', bodyBytes: 10 })
  expect(Buffer.from(request.body as Uint8Array).toString()).toBe('{"a":"é"}')
  sink.onFailed(new ServiceError('DIAL_REFUSED'))
  await vi.waitUntil(() => door.lines('session.end').length > 0)
  expect(door.lines('session.end')).toMatchObject([{ up: 10, down: 0 }])
})

it('takes requests that come in any pieces', async () => {
  door.jobs.onJob = (each) => each.answer(204, [])
  const frame = frameOf(REQUEST)
  const cuts = Array.from({ length: frame.length - 1 }, (_, index) => index + 1)
  for (const at of cuts) {
    const client = await peer()
    client.socket.write(frame.subarray(0, at))
    await new Promise((resolve) => setImmediate(resolve))
    client.socket.write(frame.subarray(at))
    expect((await client.reply())?.status_code).toBe(204)
  }
  const client = await peer()
  for (const byte of frame) {
    client.socket.write(Uint8Array.of(byte))
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect((await client.reply())?.status_code).toBe(204)
  expect(door.jobs.all).toHaveLength(frame.length)
})

describe('what is no request', () => {
  it.each([
    ['no JSON', 'nonsense', 400, 'REQUEST_INVALID'],
    ['no object', '[]', 400, 'REQUEST_INVALID'],
    ['no URL', { headers: {} }, 400, 'REQUEST_INVALID'],
    ['an empty URL', { url: '' }, 400, 'REQUEST_INVALID'],
    ['a file', { url: 'file:///etc/passwd' }, 400, 'SCHEME_UNSUPPORTED'],
    ['a header of two lines', { url: 'http://a/', headers: { a: 'b\r\nc: d' } }, 400, 'REQUEST_INVALID'],
  ])('%s is answered in a frame', async (_, request, status, code) => {
    const client = await asked(request)
    expect(await client.reply()).toEqual({
      status_code: status,
      headers: { 'Sluice-Code': code, 'Sluice-Request-Id': expect.any(String) },
      body: '',
    })
    await client.closed()
    expect(door.jobs.all).toHaveLength(0)
  })

  it('a key of a wrong length is answered in a frame', async () => {
    const client = await peer()
    const frame = frameOf(REQUEST)
    frame[12] = 201
    client.socket.write(frame)
    expect((await client.reply())?.status_code).toBe(500)
  })

  it.each([
    ['another magic', 4, 0, 'HANDSHAKE_INVALID'],
    ['more than 10 MiB', 8, 1, 'HANDSHAKE_TOO_LONG'],
  ])('%s is not answered', async (_, at, byte, code) => {
    const client = await peer()
    const frame = frameOf(REQUEST)
    frame[at] = byte
    client.socket.write(frame)
    expect(await client.reply()).toBeUndefined()
    await vi.waitUntil(() => door.lines('session.end').length > 0)
    expect(door.lines('session.end')).toMatchObject([{ code }])
  })
})

describe('failures', () => {
  it.each([
    ['QUEUE_FULL', 503],
    ['QUEUE_TIMEOUT', 503],
    ['OVERLOADED', 503],
    ['REQUEST_TIMEOUT', 504],
    ['DIAL_TIMEOUT', 504],
    ['DIAL_REFUSED', 500],
    ['ORIGIN_UNTRUSTED', 500],
    ['INTERNAL', 500],
    ['TARGET_DENIED', 403],
    ['REQUEST_LIMIT', 429],
  ] as const)('%s is %i', async (code, status) => {
    const client = await asked(REQUEST)
    const { sink } = await job()
    sink.onFailed(new ServiceError(code, undefined, { retryMs: 1500 }))
    expect(await client.reply()).toMatchObject({
      status_code: status,
      headers: { 'Sluice-Code': code, 'Retry-After': '2' },
      body: '',
    })
  })

  it('tells of an answer that is too long, and leaves its origin', async () => {
    const client = await asked(REQUEST)
    const made = await job()
    made.head(200)
    for (let n = 0; n < 11; n++) made.sink.onData(new Uint8Array(1 << 20))
    expect(made.cancelled).toMatchObject({ code: 'RESPONSE_TOO_LARGE' })
    expect((await client.reply())?.status_code).toBe(500)
  })

  it.each([
    ['of which only the frame is too long', [], Buffer.alloc(3 << 20)],
    ['that grows too long', [['Content-Encoding', 'gzip']], gzipSync(Buffer.alloc(11 << 20))],
  ] as const)('tells of an answer %s', async (_, fields, body) => {
    const client = await asked(REQUEST)
    ;(await job()).answer(200, fields, body)
    expect(await client.reply()).toMatchObject({
      status_code: 500,
      headers: { 'Sluice-Code': 'RESPONSE_TOO_LARGE' },
    })
  })

  it('takes no more into memory than it may', async () => {
    await open({ held: new HeldBytes(1 << 20) })
    const large = await asked({ ...REQUEST, post_data: 'x'.repeat(2 << 20) })
    expect((await large.reply())?.headers['Sluice-Code']).toBe('OVERLOADED')
    await vi.waitUntil(() => door.lines('session.end').length > 0)
    const small = await asked({ ...REQUEST, post_data: 'x'.repeat(500_000) })
    ;(await job()).answer(200, [], 'x'.repeat(700_000))
    expect(await small.reply()).toMatchObject({ status_code: 503, headers: { 'Sluice-Code': 'OVERLOADED' } })
    await vi.waitUntil(() => door.lines('session.end').length > 1)
    await asked({ ...REQUEST, post_data: 'x'.repeat(500_000) })
    expect((await job(1)).cancelled).toBeUndefined()
  })
})

describe('a connection', () => {
  it('may bring one request after the other where that is allowed', async () => {
    await open({ keepAlive: true })
    const client = await peer()
    client.socket.write(Buffer.concat([frameOf(REQUEST), frameOf('{'), frameOf(REQUEST)]))
    ;(await job()).answer(200, [], 'first')
    expect((await client.reply())?.body).toBe('first')
    expect((await client.reply())?.status_code).toBe(400)
    ;(await job(1)).answer(200, [], 'second')
    expect((await client.reply())?.body).toBe('second')
    client.socket.end()
    await client.closed()
    await vi.waitUntil(() => door.lines('session.end').length > 0)
    expect(door.lines('session.end')).toMatchObject([{ code: 'OK', down: 11 }])
    expect(door.metrics.requests).toEqual(new Map(Object.entries({ OK: 2, REQUEST_INVALID: 1 })))
  })

  it('may bring thousands at once that cannot be made', async () => {
    await open({ keepAlive: true })
    const client = await peer()
    client.socket.write(Buffer.concat(Array.from({ length: 5000 }, () => frameOf('{'))))
    for (let n = 0; n < 5000; n++) expect((await client.reply())?.status_code).toBe(400)
  })

  it.each(['end', 'destroy', 'resetAndDestroy'] as const)(
    'that the client leaves (%s) takes its request along',
    async (how) => {
      const client = await asked(REQUEST)
      const made = await job()
      client.socket[how]()
      await vi.waitUntil(() => made.cancelled)
      expect(['CLIENT_CLOSED', 'CLIENT_RESET']).toContain(Object(made.cancelled).code)
      await vi.waitUntil(() => door.lines('session.end').length > 0)
      expect(door.lines('request.end')).toMatchObject([{ code: Object(made.cancelled).code, status: 0 }])
    },
  )

  it('gets an answer as fast as it takes it', async () => {
    const client = await asked(REQUEST)
    client.socket.pause()
    ;(await job()).answer(200, [], 'x'.repeat(9_000_000))
    const flow = (): number => door.directory.guest.flow.down
    await vi.waitUntil(() => flow() > 0)
    expect(flow()).toBeLessThan(9_000_000)
    client.socket.resume()
    expect((await client.reply())?.body).toHaveLength(9_000_000)
    expect(flow()).toBe(9_000_000)
  })

  it.each([
    ['the magic', 5, 10_000, 'HANDSHAKE_TIMEOUT'],
    ['the length', 10, 10_000, 'HANDSHAKE_TIMEOUT'],
    ['the rest', 40, 30_000, 'HANDSHAKE_TIMEOUT'],
    ['another request', 0, 60_000, 'OK'],
  ])('does not wait for %s for ever', async (_, bytes, ms, code) => {
    await open({ keepAlive: true })
    door.jobs.onJob = (each) => each.answer(204, [])
    const client = await asked(REQUEST)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      await client.reply()
      client.socket.write(frameOf(REQUEST).subarray(0, bytes))
      // Once it answers another, the door has read what came before.
      const other = await asked(REQUEST)
      await other.reply()
      vi.advanceTimersByTime(ms - 1)
      expect(client.over).toBe(false)
      vi.advanceTimersByTime(1)
      await client.closed()
    } finally {
      vi.useRealTimers()
    }
    await vi.waitUntil(() => door.lines('session.end').length > 0)
    expect(door.lines('session.end')[0]).toMatchObject({ code })
  })

  it('is told when it has to end', async () => {
    const client = await asked(REQUEST)
    const made = await job()
    door.sessions.cutAll('SHUTDOWN')
    expect(await client.reply()).toMatchObject({ status_code: 503, headers: { 'Sluice-Code': 'SHUTDOWN' } })
    expect(made.cancelled).toMatchObject({ code: 'SHUTDOWN' })
  })
})

describe('whose requests they are', () => {
  it('is the user that was named, with the limits of that user', async () => {
    await open({ user: { name: 'ada', limits: { up: 1_000_000, down: 1_000_000 } } })
    const client = await asked({ ...REQUEST, post_data: 'x'.repeat(300_000) })
    const { request } = await job()
    expect(request.caller.account.name).toBe('ada')
    door.jobs.last!.answer(200, [], 'x'.repeat(300_000))
    expect((await client.reply())?.body).toHaveLength(300_000)
    await vi.waitUntil(() => door.lines('session.end').length > 0)
    expect(door.lines('session.end')).toMatchObject([{ user: 'ada', up: 300_000, down: 300_000 }])
  })

  it('is nobody where the door is closed', async () => {
    await open({ isClosed: true })
    const client = await asked(REQUEST)
    expect(await client.reply()).toMatchObject({
      status_code: 403,
      headers: { 'Sluice-Code': 'AUTH_REQUIRED' },
    })
    expect(door.jobs.all).toHaveLength(0)
  })

  it('is told to a user who may not come in', async () => {
    await open({ user: { name: 'ada', enabled: false } })
    const client = await asked(REQUEST)
    expect(await client.reply()).toMatchObject({
      status_code: 403,
      headers: { 'Sluice-Code': 'USER_DISABLED' },
    })
  })
})
