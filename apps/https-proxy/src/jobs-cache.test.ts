import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { ServiceError } from '@sluice/service'
import { describe, expect, it } from 'vitest'
import { callerOf, JobsLab } from './upstream/testing/jobs-lab.ts'
import { RecordingSink } from './upstream/testing/recording-sink.ts'
import { TestOrigin } from './upstream/testing/test-origin.ts'

const store = { bytes: 1024 * 1024 }
const cache = { store, coalesce: false }

/** Counts what it is asked, and answers with the number. */
const counting = (fields: Record<string, string>): { listener: RequestListener; seen: IncomingMessage[] } => {
  const seen: IncomingMessage[] = []
  const listener: RequestListener = (request, response) => {
    seen.push(request.resume())
    for (const [name, value] of Object.entries(fields)) response.setHeader(name, value)
    response.end(`answer ${seen.length}`)
  }
  return { listener, seen }
}

const fresh = { 'Cache-Control': 'public, max-age=60' }
const fieldOf = ({ head }: RecordingSink, wanted: string): string | undefined =>
  head?.fields.find(([name]) => name.toLowerCase() === wanted)?.[1]

describe('the cache', () => {
  it('is not there unless it is asked for', async () => {
    const { listener, seen } = counting(fresh)
    await using origin = await TestOrigin.plain(listener)
    using lab = new JobsLab()
    for (let i = 0; i < 2; i += 1) await lab.ask(`http://localhost:${origin.port}/`)
    expect(seen).toHaveLength(2)
  })

  it('answers for an origin that allows it, to other users too', async () => {
    const { listener, seen } = counting(fresh)
    await using origin = await TestOrigin.plain(listener)
    using lab = new JobsLab({ cache })
    const url = `http://localhost:${origin.port}/a?b`
    const first = await lab.ask(url)
    const second = await lab.ask(url, { caller: callerOf('bob') })
    expect([first, second].map(({ text, head }) => [text, head?.cached])).toEqual([
      ['answer 1', false],
      ['answer 1', true],
    ])
    expect(fieldOf(second, 'age')).toMatch(/^[01]$/)
    expect([seen.length, lab.jobs.cache?.hits, lab.queue.held]).toEqual([1, 1, 0])
    expect((await lab.ask(`http://localhost:${origin.port}/a?c`)).text).toBe('answer 2')
  })

  it.each([
    ['is private', { 'Cache-Control': 'private, max-age=60' }, {}],
    ['may not be stored', { 'Cache-Control': 'no-store' }, {}],
    ['says nothing', {}, {}],
    ['sets a cookie', { ...fresh, 'Set-Cookie': 'a=1' }, {}],
    ['varies with everything', { ...fresh, Vary: '*' }, {}],
    ['is for who is logged in', fresh, { fields: [['Authorization', 'x']] as const }],
    ['is for who has a cookie', fresh, { fields: [['cookie', 'x']] as const }],
    ['is a part', fresh, { fields: [['Range', 'bytes=0-1']] as const }],
    ['is of another method', fresh, { method: 'POST' }],
    ['must come out of a cache', fresh, { fields: [['Cache-Control', 'only-if-cached']] as const }],
  ])('keeps nothing that %s', async (_, fields, wish) => {
    const { listener, seen } = counting(fields)
    await using origin = await TestOrigin.plain(listener)
    using lab = new JobsLab({ cache })
    for (let i = 0; i < 2; i += 1) {
      expect((await lab.ask(`http://localhost:${origin.port}/`, wish)).head?.cached).toBe(false)
    }
    expect(seen).toHaveLength(2)
  })

  it('answers nobody while users may not all go to the same places', async () => {
    const { listener, seen } = counting(fresh)
    await using origin = await TestOrigin.plain(listener)
    let mayShare = true
    using lab = new JobsLab({ cache, mayShare: () => mayShare })
    await lab.ask(`http://localhost:${origin.port}/`)
    mayShare = false
    await lab.ask(`http://localhost:${origin.port}/`)
    expect(seen).toHaveLength(2)
  })

  it('keeps apart what varies', async () => {
    const { listener, seen } = counting({ ...fresh, Vary: 'Accept-Language' })
    await using origin = await TestOrigin.plain(listener)
    using lab = new JobsLab({ cache })
    const ask = (language: string): Promise<RecordingSink> =>
      lab.ask(`http://localhost:${origin.port}/`, { fields: [['Accept-Language', language]] })
    const texts: string[] = []
    for (const language of ['de', 'en', 'de', 'en']) texts.push((await ask(language)).text)
    expect(texts).toEqual(['answer 1', 'answer 2', 'answer 1', 'answer 2'])
    expect(seen).toHaveLength(2)
  })

  it('forgets what was changed', async () => {
    const { listener } = counting(fresh)
    await using origin = await TestOrigin.plain(listener)
    using lab = new JobsLab({ cache })
    const url = `http://localhost:${origin.port}/`
    await lab.ask(url)
    await lab.ask(url, { method: 'PUT' })
    expect((await lab.ask(url)).text).toBe('answer 3')
  })

  it('asks whether what it has is still right', async () => {
    let asked = 0
    await using origin = await TestOrigin.plain((request, response) => {
      asked += 1
      response.setHeader('ETag', '"one"')
      response.setHeader('Cache-Control', 'max-age=0, stale-while-revalidate=60')
      response.statusCode = request.headers['if-none-match'] === '"one"' ? 304 : 200
      response.end(response.statusCode === 200 ? 'whole' : undefined)
    })
    using lab = new JobsLab({ cache })
    const url = `http://localhost:${origin.port}/`
    await lab.ask(url)
    const again = await lab.ask(url)
    expect([again.text, again.head?.status, again.head?.cached, asked]).toEqual(['whole', 200, true, 2])
    expect([lab.queue.held, lab.jobs.origins.size]).toEqual([0, 0])
  })

  it('keeps no part of what broke off, and nothing too large', async () => {
    let asked = 0
    await using origin = await TestOrigin.plain((request, response) => {
      asked += 1
      response.setHeader('Cache-Control', fresh['Cache-Control'])
      if (request.url === '/large') response.end('x'.repeat(1024 * 1024))
      else if (asked === 1) {
        response.write('some')
        setImmediate(() => response.destroy())
      } else response.end('whole')
    })
    using lab = new JobsLab({ cache })
    const url = `http://localhost:${origin.port}`
    expect((await lab.ask(url)).code).toBe('TARGET_RESET')
    expect((await lab.ask(url)).text).toBe('whole')
    for (let i = 0; i < 2; i += 1) {
      const large = await lab.ask(`${url}/large`)
      expect([large.bytes, large.head?.cached]).toEqual([1024 * 1024, false])
    }
  })

  it('waits for a client that is slow', async () => {
    await using origin = await TestOrigin.plain((_request, response) => {
      response.setHeader('Cache-Control', fresh['Cache-Control'])
      response.end('x'.repeat(500_000))
    })
    using lab = new JobsLab({ cache })
    for (const isCached of [false, true]) {
      const slow = new RecordingSink()
      slow.isSlow = true
      const { sink, job } = lab.start(`http://localhost:${origin.port}/`, {}, slow)
      await sink.headed
      while (sink.bytes === 0) await turn()
      const first = sink.bytes
      for (let i = 0; i < 50; i += 1) await turn()
      expect(sink.bytes).toBe(first)
      sink.onChunk = () => setImmediate(() => job.resume())
      job.resume()
      await sink.over
      expect([sink.bytes, sink.head?.cached]).toEqual([500_000, isCached])
    }
  })

  it('holds no more than it may', async () => {
    await using origin = await TestOrigin.plain((_request, response) => {
      response.setHeader('Cache-Control', fresh['Cache-Control'])
      response.end('x'.repeat(10_000))
    })
    using lab = new JobsLab({ cache: { store: { bytes: 50_000 }, coalesce: false } })
    const ask = (n: number): Promise<RecordingSink> => lab.ask(`http://localhost:${origin.port}/${n}`)
    for (let n = 0; n < 10; n += 1) await ask(n)
    expect([(await ask(9)).head?.cached, (await ask(0)).head?.cached]).toEqual([true, false])
  })

  it('keeps what it has in a file', async () => {
    const { listener, seen } = counting(fresh)
    await using origin = await TestOrigin.plain(listener)
    const directory = mkdtempSync(join(tmpdir(), 'cache-'))
    try {
      for (const isCached of [false, true]) {
        using lab = new JobsLab({ cache: { store: { file: join(directory, 'c.db') }, coalesce: false } })
        const sink = await lab.ask(`http://localhost:${origin.port}/`)
        expect([sink.text, sink.head?.cached]).toEqual(['answer 1', isCached])
        await turn()
      }
      expect(seen).toHaveLength(1)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

describe('coalescing', () => {
  const held = (): { listener: RequestListener; waiting: ServerResponse[] } => {
    const waiting: ServerResponse[] = []
    return { listener: (_request, response) => void waiting.push(response), waiting }
  }
  const coalesced = { store, coalesce: true }

  it.each([coalesced, { coalesce: true }])('has one ask for all who want the same: %o', async (cache) => {
    const { listener, waiting } = held()
    await using origin = await TestOrigin.plain(listener)
    using lab = new JobsLab({ cache })
    const url = `http://localhost:${origin.port}/`
    const all = ['ann', 'bob', 'cyd'].map((name) => lab.ask(url, { caller: callerOf(name) }))
    while (waiting.length === 0) await turn()
    waiting[0]!.setHeader('Cache-Control', 'max-age=60').end('one')
    const sinks = await Promise.all(all)
    expect(sinks.map(({ text, head }) => [text, head?.cached])).toEqual([
      ['one', false],
      ['one', true],
      ['one', true],
    ])
    expect([waiting.length, lab.queue.held]).toEqual([1, 0])
  })

  it('has all ask as soon as it is known that the answer is not for all', async () => {
    const { listener, waiting } = held()
    await using origin = await TestOrigin.plain(listener)
    using lab = new JobsLab({ cache: coalesced })
    const url = `http://localhost:${origin.port}/`
    const all = ['ann', 'bob', 'cyd'].map((name) => lab.ask(url, { caller: callerOf(name) }))
    while (waiting.length === 0) await turn()
    waiting[0]!.setHeader('Cache-Control', 'private').write('o')
    // The others do not wait for its end.
    while (waiting.length < 2) await turn()
    for (let done = 0; done < 3;) {
      if (waiting.length > done) waiting[done++]!.end('x')
      else await turn()
    }
    const sinks = await Promise.all(all)
    expect(sinks.map(({ head }) => head?.cached)).toEqual([false, false, false])
  })

  it('has another one ask where the first leaves', async () => {
    const { listener, waiting } = held()
    await using origin = await TestOrigin.plain(listener)
    using lab = new JobsLab({ cache: coalesced })
    const url = `http://localhost:${origin.port}/`
    const first = lab.start(url)
    while (waiting.length === 0) await turn()
    const second = lab.ask(url, { caller: callerOf('bob') })
    first.job.cancel(new ServiceError('CLIENT_CLOSED'))
    while (waiting.length < 2) await turn()
    waiting[1]!.end('two')
    expect([(await second).text, first.sink.isOver, lab.queue.held]).toEqual(['two', false, 0])
  })
})
