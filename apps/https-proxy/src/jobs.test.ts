import type { RequestListener } from 'node:http'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { JobsLab } from './upstream/testing/jobs-lab.ts'
import type { RecordingSink } from './upstream/testing/recording-sink.ts'
import { authority, TestOrigin } from './upstream/testing/test-origin.ts'

const trust = { ca: authority.cert }

/** Says what it got. */
const echo: RequestListener = (request, response) => {
  const chunks: Buffer[] = []
  request
    .on('data', (chunk: Buffer) => chunks.push(chunk))
    .on('end', () => {
      const { method, url, rawHeaders } = request
      const body = Buffer.concat(chunks).toString('base64')
      response.end(JSON.stringify({ method, url, rawHeaders, body, trailers: request.rawTrailers }), 'latin1')
    })
}

interface Echo {
  readonly method: string
  readonly url: string
  readonly rawHeaders: string[]
  readonly body: string
}

const told = ({ text }: RecordingSink): Echo => JSON.parse(text) as Echo

const ORIGINS = {
  http: { open: (listener: RequestListener) => TestOrigin.plain(listener), scheme: 'http' },
  https: { open: (listener: RequestListener) => TestOrigin.secure(listener), scheme: 'https' },
  h2: { open: (listener: RequestListener) => TestOrigin.h2(listener), scheme: 'https' },
} as const

it('makes of who is named in a URL what browsers do, and says no more of it', async () => {
  await using origin = await TestOrigin.plain(echo)
  using lab = new JobsLab()
  const sink = await lab.ask(`http://an%20n:s%zz@localhost:${origin.port}/`)
  const { rawHeaders } = told(sink)
  const value = `Basic ${Buffer.from('an n:s%zz').toString('base64')}`
  expect(rawHeaders.slice(rawHeaders.indexOf('authorization')).slice(0, 2)).toEqual(['authorization', value])
  expect(sink.head?.url.href).toBe(`http://localhost:${origin.port}/`)
})

describe.each(Object.entries(ORIGINS))('over %s', (kind, { open, scheme }) => {
  const isH2 = kind === 'h2'

  it.each(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH', 'PROPFIND', 'M-SEARCH'])(
    'sends %s as it is',
    async (method) => {
      await using origin = await open(echo)
      using lab = new JobsLab({ trust })
      const sink = await lab.ask(`${scheme}://localhost:${origin.port}/a?b=c`, { method })
      expect([sink.code, sink.head?.status]).toEqual(['OK', 200])
      if (method !== 'HEAD') expect(told(sink)).toMatchObject({ method, url: '/a?b=c', body: '' })
      expect(lab.queue.held).toBe(0)
    },
  )

  it('passes bodies of any bytes, be they whole, streamed with a length or without', async () => {
    await using origin = await open(echo)
    using lab = new JobsLab({ trust })
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i & 0xff))
    const bodies = [
      { body: bytes, bodyBytes: undefined },
      { body: Readable.from([bytes.subarray(0, 9), bytes.subarray(9)]), bodyBytes: bytes.length },
      { body: Readable.from([bytes.subarray(0, 9), bytes.subarray(9)]), bodyBytes: undefined },
    ]
    for (const each of bodies) {
      for (const method of ['PUT', 'REPORT']) {
        if (method === 'REPORT' && each.body !== bytes) continue
        const sink = await lab.ask(`${scheme}://localhost:${origin.port}/`, { method, ...each })
        expect(sink.code).toBe('OK')
        expect(Buffer.from(told(sink).body, 'base64').equals(bytes)).toBe(true)
      }
    }
  })

  it('passes fields as they are, and none of its own', async () => {
    await using origin = await open(echo)
    using lab = new JobsLab({ trust })
    const fields = [
      ['X-One', 'a'],
      ['Connection', 'X-Gone, close'],
      ['x-one', 'b'],
      ['X-Gone', '1'],
      ['Expect', '100-continue'],
      ['TE', 'trailers'],
      ['Cookie', 'c=1'],
      ['X-Latin', 'caf\u00e9'],
    ] as const
    const sink = await lab.ask(`${scheme}://localhost:${origin.port}/`, { fields, trace: '00-1-2-01' })
    const { rawHeaders } = told(sink)
    const pairs = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1]}`] : []))
    const own = pairs.filter((pair) => !pair.startsWith(':')).toSorted()
    const sent = ['X-One: a', 'x-one: b', 'Cookie: c=1', 'X-Latin: caf\u00e9', 'traceparent: 00-1-2-01']
    const expected = isH2
      ? [...sent.map((pair) => pair.replace(/^[^:]+/, (name) => name.toLowerCase()))]
      : [...sent, `host: localhost:${origin.port}`, 'connection: keep-alive']
    expect(own).toEqual(expected.toSorted())
  })

  it('passes the fields of a response, repeated ones too, and its trailers', async () => {
    await using origin = await open((_request, response) => {
      response.setHeader('Set-Cookie', ['a=1', 'b=2'])
      response.setHeader('X-Spelling', 'yes')
      response.setHeader('Trailer', 'X-Sum')
      response.writeHead(201)
      response.write('abc')
      response.addTrailers({ 'X-Sum': '42' })
      response.end('def')
    })
    using lab = new JobsLab({ trust })
    const sink = await lab.ask(`${scheme}://localhost:${origin.port}/`)
    expect(sink.head?.status).toBe(201)
    const fields = sink.head!.fields.map(([name, value]) => [isH2 ? name.toLowerCase() : name, value])
    const spelled = (name: string): string => (isH2 ? name.toLowerCase() : name)
    expect(fields.filter(([name]) => name === spelled('Set-Cookie'))).toEqual([
      [spelled('Set-Cookie'), 'a=1'],
      [spelled('Set-Cookie'), 'b=2'],
    ])
    expect(fields).toContainEqual([spelled('X-Spelling'), 'yes'])
    expect(fields.some(([name]) => name?.toLowerCase() === 'transfer-encoding')).toBe(false)
    expect(sink.text).toBe('abcdef')
    expect(sink.trailers).toEqual([[spelled('X-Sum'), '42']])
  })

  it.each([204, 304])('takes %i without a body', async (status) => {
    await using origin = await open((_request, response) => {
      response.writeHead(status, { ETag: '"x"' })
      response.end()
    })
    using lab = new JobsLab({ trust })
    for (let i = 0; i < 2; i += 1) {
      const sink = await lab.ask(`${scheme}://localhost:${origin.port}/`)
      expect([sink.code, sink.head?.status, sink.bytes]).toEqual(['OK', status, 0])
    }
    expect(origin.conns).toBe(1)
  })

  it('keeps the length that HEAD is told', async () => {
    await using origin = await open((_request, response) => {
      response.setHeader('Content-Length', '1234')
      response.end()
    })
    using lab = new JobsLab({ trust })
    const sink = await lab.ask(`${scheme}://localhost:${origin.port}/`, { method: 'HEAD' })
    expect(sink.head?.fields.map(([name, value]) => [name.toLowerCase(), value])).toContainEqual([
      'content-length',
      '1234',
    ])
    expect([sink.code, sink.bytes]).toEqual(['OK', 0])
  })

  it('leaves compression alone', async () => {
    const packed = gzipSync('hello '.repeat(1000))
    await using origin = await open((_request, response) => {
      response.setHeader('Content-Encoding', 'gzip')
      response.end(packed)
    })
    using lab = new JobsLab({ trust })
    const sink = await lab.ask(`${scheme}://localhost:${origin.port}/`)
    expect(sink.body.equals(packed)).toBe(true)
  })

  it('passes early hints', async () => {
    await using origin = await open((_request, response) => {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' })
      response.end('late')
    })
    using lab = new JobsLab({ trust })
    const sink = await lab.ask(`${scheme}://localhost:${origin.port}/`)
    expect(sink.interims.map(({ status }) => status)).toEqual([103])
    expect(sink.text).toBe('late')
  })

  it('uses a conn again for the same user, and for nobody else', async () => {
    await using origin = await open(echo)
    using lab = new JobsLab({ trust })
    const url = `${scheme}://localhost:${origin.port}/`
    for (let i = 0; i < 3; i += 1) await lab.ask(url)
    expect(origin.conns).toBe(1)
  })
})
