import { once } from 'node:events'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { blocks, hashOf, MIB, Origins } from './testing/origin.ts'
import { TestHosts } from './testing/test-hosts.ts'

let hosts: TestHosts
const origins = new Origins()

const ask = (method: string, host = 'a.example'): ReturnType<typeof request> =>
  request({ host: '127.0.0.1', port: hosts.port, method, agent: false, headers: { host } }).on(
    'error',
    () => {},
  )

const download = async (host?: string): Promise<IncomingMessage> => {
  const asked = ask('GET', host)
  asked.end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return answer
}

beforeAll(async () => {
  hosts = await TestHosts.open([{ name: 'ada', password: 'horse', limits: { quotaBytes: MIB } }])
})
afterAll(() => hosts[Symbol.asyncDispose]())
afterEach(async () => {
  origins.close()
  await hosts.reset()
  if (hosts.journal.lines.join('').includes('INTERNAL')) throw new Error(hosts.journal.lines.join(''))
})

describe('large bodies', () => {
  test('arrive as they were sent, and are counted to the byte at host and client', async () => {
    const bytes = 16 * MIB
    const target = await origins.serve(async (asked, answer) => {
      answer.setHeader('X-Hash', await hashOf(asked))
      await pipeline(Readable.from(blocks(bytes)), answer)
    })
    const { live, client } = hosts.addHost({ host: 'a.example', targets: [target] })
    const asked = ask('POST')
    await pipeline(Readable.from(blocks(bytes)), asked)
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    const { socket } = answer
    const wanted = await hashOf(Readable.from(blocks(bytes)))
    expect(answer.headers['x-hash']).toBe(wanted)
    expect(await hashOf(answer)).toBe(wanted)
    expect(socket.bytesWritten).toBeGreaterThan(bytes)
    expect(live.account.flow).toMatchObject({ up: socket.bytesWritten, down: socket.bytesRead })
    expect(client.account.flow).toMatchObject({ up: socket.bytesWritten, down: socket.bytesRead })
  })
})

describe('a rate', () => {
  test.each(['host', 'client'] as const)('of a %s holds', async (which) => {
    const target = await origins.serve((_, answer) => void pipeline(Readable.from(blocks(MIB)), answer))
    const limits = { down: 2 * MIB, burst: 64 * 1024 }
    const client = hosts.addClient(which === 'client' ? { limits } : {})
    hosts.addHost({ host: 'a.example', targets: [target], ...(which === 'host' && { limits }) }, client)
    const since = performance.now()
    await hashOf(await download())
    expect(performance.now() - since).toBeGreaterThan(400)
  })

  test('that is set later holds for who is here already', async () => {
    const limited = Promise.withResolvers<void>()
    const target = await origins.serve(async (_, answer) => {
      answer.flushHeaders()
      await limited.promise
      await pipeline(Readable.from(blocks(MIB)), answer)
    })
    const { live } = hosts.addHost({ host: 'a.example', targets: [target] })
    const answer = await download()
    hosts.registry.patch(live, { limits: { down: 2 * MIB, burst: 64 * 1024 } })
    const since = performance.now()
    limited.resolve()
    await hashOf(answer)
    expect(performance.now() - since).toBeGreaterThan(400)
  })
})

describe('a quota', () => {
  const all = (_: IncomingMessage, answer: ServerResponse): void => {
    answer.writeHead(200, { 'Content-Length': 8 * MIB })
    pipeline(Readable.from(blocks(8 * MIB)), answer).catch(() => {})
  }

  test.each(['host', 'client'] as const)('of a %s cuts a body, as its visitor sees', async (which) => {
    const limits = { quotaBytes: MIB }
    const client = hosts.addClient(which === 'client' ? { limits } : {})
    const fields = {
      host: 'a.example',
      targets: [await origins.serve(all)],
      ...(which === 'host' && { limits }),
    }
    const { live } = hosts.addHost(fields, client)
    const answer = await download()
    await expect(hashOf(answer)).rejects.toThrow(/aborted/)
    const { up, down } = live.account.flow
    expect(up + down).toBe(MIB)
    const late = await download()
    expect(late.statusCode).toBe(429)
    expect(Buffer.concat(await late.toArray()).toString()).toContain('QUOTA_EXCEEDED')
  })

  test('of a user holds across the hosts of their clients', async () => {
    const { id } = [...hosts.program.directory.accounts()][0]!.user
    const target = await origins.serve(all)
    hosts.addHost({ host: 'a.example', targets: [target] }, hosts.addClient({ userId: id }))
    hosts.addHost({ host: 'b.example', targets: [target] }, hosts.addClient({ userId: id }))
    hosts.addHost({ host: 'c.example', targets: [target] })
    await expect(hashOf(await download('a.example'))).rejects.toThrow(/aborted/)
    expect((await download('b.example')).statusCode).toBe(429)
    const other = await download('c.example')
    expect(other.statusCode).toBe(200)
    other.destroy()
  })
})

test('a client whose program goes within a response leaves a visitor who sees that', async () => {
  const target = await origins.serve((_, answer) => {
    answer.writeHead(200, { 'Content-Length': MIB })
    answer.write('some')
  })
  const { agent } = hosts.addHost({ host: 'a.example', targets: [target] })
  const answer = await download()
  agent.close()
  await expect(hashOf(answer)).rejects.toThrow(/aborted/)
})

test('a visitor who goes within a request leaves nothing behind', async () => {
  const target = await origins.serve((asked) => void asked.resume())
  const { live, agent } = hosts.addHost({ host: 'a.example', targets: [target] })
  const asked = ask('POST')
  asked.write(Buffer.alloc(1000))
  await expect.poll(() => agent.streams).toBe(1)
  asked.destroy()
  await expect.poll(() => [agent.streams, live.account.connections]).toEqual([0, 0])
})
