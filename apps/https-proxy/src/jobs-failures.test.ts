import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { ServiceError } from '@sluice/service'
import { ManualClock } from '@sluice/ratelimit'
import { ScriptedTarget } from '@sluice/service/testing'
import { describe, expect, it } from 'vitest'
import { JobsLab } from './upstream/testing/jobs-lab.ts'
import { RecordingSink } from './upstream/testing/recording-sink.ts'
import { authority, TestOrigin } from './upstream/testing/test-origin.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** Of a port that nobody listens at. */
const closedPort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await turn()
}

describe('an origin that fails', () => {
  it.each([
    ['garbage', 'hello\r\n\r\n', 'RESPONSE_INVALID'],
    ['a head that is too long', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`, 'RESPONSE_INVALID'],
    [
      'two lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok',
      'RESPONSE_INVALID',
    ],
    [
      'a switch that nobody asked for',
      'HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
      'RESPONSE_INVALID',
    ],
  ])('with %s', async (_, answer, code) => {
    using origin = await ScriptedTarget.open()
    using lab = new JobsLab()
    const answered = lab.ask(`http://${origin.authority}/`)
    const conn = await origin.next()
    await conn.take()
    conn.send(answer)
    const sink = await answered
    expect([sink.code, sink.head, lab.queue.held]).toEqual([code, undefined, 0])
    await conn.until(() => conn.ended || conn.closed)
  })

  it.each([
    ['less than it said', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok'],
    ['an unfinished chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok'],
    ['no last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n'],
    [
      'less than it said, and Connection: close',
      'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nok',
    ],
  ])('with %s', async (_, answer) => {
    using origin = await ScriptedTarget.open()
    using lab = new JobsLab()
    const answered = lab.ask(`http://${origin.authority}/`)
    const conn = await origin.next()
    await conn.take()
    conn.send(answer)
    conn.socket.end()
    const sink = await answered
    expect([sink.head?.status, sink.text]).toEqual([200, 'ok'])
    expect(['TARGET_RESET', 'RESPONSE_INVALID']).toContain(sink.code)
    expect(lab.queue.held).toBe(0)
  })

  it('with more than it said, is taken at its word and not used again', async () => {
    using origin = await ScriptedTarget.open()
    using lab = new JobsLab()
    const answered = lab.ask(`http://${origin.authority}/`)
    const conn = await origin.next()
    await conn.take()
    conn.send(
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    )
    expect((await answered).text).toBe('ok')
    await conn.until(() => conn.ended || conn.closed)
    const again = lab.ask(`http://${origin.authority}/`)
    const next = await origin.next()
    await next.take()
    next.send(OK)
    expect((await again).text).toBe('ok')
  })

  it('in the middle of a body', async () => {
    using origin = await ScriptedTarget.open()
    using lab = new JobsLab()
    const { sink } = lab.start(`http://${origin.authority}/`)
    const conn = await origin.next()
    await conn.take()
    conn.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok')
    await sink.headed
    conn.socket.resetAndDestroy()
    await sink.over
    expect([sink.code, lab.queue.held]).toEqual(['TARGET_RESET', 0])
  })

  it('before its answer, is not asked twice over a conn of its own', async () => {
    using origin = await ScriptedTarget.open()
    using lab = new JobsLab()
    const answered = lab.ask(`http://${origin.authority}/`)
    const conn = await origin.next()
    await conn.take()
    conn.socket.destroy()
    expect((await answered).code).toBe('TARGET_RESET')
    expect(origin.conns).toHaveLength(1)
  })

  it('over a conn that was used before, is asked once more if that does no harm', async () => {
    using origin = await ScriptedTarget.open()
    using lab = new JobsLab()
    const first = lab.ask(`http://${origin.authority}/`)
    const conn = await origin.next()
    await conn.take()
    conn.send(OK)
    await first
    const second = lab.ask(`http://${origin.authority}/`)
    await conn.take()
    conn.socket.destroy()
    const fresh = await origin.next()
    await fresh.take()
    fresh.send(OK)
    expect((await second).text).toBe('ok')
    const third = lab.ask(`http://${origin.authority}/`, { method: 'POST', body: Buffer.from('x') })
    await fresh.take('x')
    fresh.socket.destroy()
    expect((await third).code).toBe('TARGET_RESET')
    expect([origin.conns.length, lab.queue.entered, lab.queue.held]).toEqual([2, 3, 0])
  })
})

describe('retries', () => {
  it('leave the slot while they wait, and are two at most', async () => {
    const clock = new ManualClock()
    using lab = new JobsLab({ clock })
    const { sink } = lab.start(`http://127.0.0.1:${await closedPort()}/`)
    for (const [tries, waitMs] of [
      [1, 50],
      [2, 100],
    ] as const) {
      await until(() => clock.timers === 1)
      expect([lab.dialled.length, lab.queue.held]).toEqual([tries, 0])
      clock.advance(waitMs)
    }
    await sink.over
    expect([sink.code, lab.dialled.length, lab.queue.entered]).toEqual(['DIAL_REFUSED', 3, 3])
  })

  it.each([
    ['of what is not idempotent', { method: 'POST' }],
    ['of a stream', { method: 'PUT', body: Readable.from([Buffer.from('x')]) }],
  ])('are not made %s', async (_, wish) => {
    using lab = new JobsLab()
    const sink = await lab.ask(`http://127.0.0.1:${await closedPort()}/`, wish)
    expect([sink.code, lab.dialled.length]).toEqual(['DIAL_REFUSED', 1])
  })

  it('are a share of requests', async () => {
    using lab = new JobsLab({ config: { breakerFailures: 0, retryShare: 0.1 } })
    const url = `http://127.0.0.1:${await closedPort()}/`
    await Promise.all(Array.from({ length: 100 }, () => lab.ask(url)))
    expect(lab.dialled.length - 100).toBeGreaterThanOrEqual(10)
    expect(lab.dialled.length - 100).toBeLessThanOrEqual(20)
    expect(lab.queue.held).toBe(0)
  })
})

describe('an origin that stalls', () => {
  const timed = (
    config: ConstructorParameters<typeof JobsLab>[0] = {},
  ): { lab: JobsLab; advance: (ms: number) => void } => {
    const clock = new ManualClock()
    const lab = new JobsLab({ clock, ...config })
    const advance = (ms: number): void => {
      clock.advance(ms)
      lab.jobs.deadlines.sweep()
    }
    return { lab, advance }
  }

  it('in its TLS handshake', async () => {
    using origin = await ScriptedTarget.open()
    const { lab, advance } = timed({ config: { connectMs: 1000 } })
    using _ = lab
    const { sink } = lab.start(`https://${origin.authority}/`)
    const conn = await origin.next()
    await conn.until(() => conn.received !== '')
    advance(999)
    expect(sink.isOver).toBe(false)
    advance(1)
    await sink.over
    expect([sink.code, lab.queue.held]).toEqual(['DIAL_TIMEOUT', 0])
    await conn.until(() => conn.ended || conn.closed)
  })

  it.each(['whole', 'stream'] as const)('before its head, %s', async (timing) => {
    using origin = await ScriptedTarget.open()
    const { lab, advance } = timed({ config: { requestMs: 5000, firstByteMs: 2000 } })
    using _ = lab
    const { sink } = lab.start(`http://${origin.authority}/`, { timing })
    const conn = await origin.next()
    await conn.take()
    conn.send('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200')
    await until(() => sink.interims.length === 1)
    advance(1999)
    expect(sink.isOver).toBe(false)
    advance(1)
    await sink.over
    expect([sink.code, lab.queue.held]).toEqual(['RESPONSE_TIMEOUT', 0])
    await conn.until(() => conn.closed)
  })

  it('over a conn of HTTP/2 is asked over another one next', async () => {
    let asked = 0
    await using origin = await TestOrigin.h2((_request, response) => {
      asked += 1
      if (asked !== 2) response.end('ok')
    })
    const { lab, advance } = timed({ trust: { ca: authority.cert }, config: { firstByteMs: 2000 } })
    using _ = lab
    const url = `https://localhost:${origin.port}/`
    await lab.ask(url)
    const { sink } = lab.start(url)
    await until(() => asked === 2)
    advance(2000)
    await sink.over
    expect([sink.code, (await lab.ask(url)).text, origin.conns]).toEqual(['RESPONSE_TIMEOUT', 'ok', 2])
    await until(() => lab.jobs.conns.size === 1)
  })

  it('within its body, counted from the start of a whole exchange', async () => {
    using origin = await ScriptedTarget.open()
    const { lab, advance } = timed({ config: { requestMs: 5000 } })
    using _ = lab
    const { sink } = lab.start(`http://${origin.authority}/`)
    const conn = await origin.next()
    await conn.take()
    advance(3000)
    conn.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok')
    await until(() => sink.bytes === 2)
    advance(2000)
    await sink.over
    expect([sink.code, lab.queue.held]).toEqual(['REQUEST_TIMEOUT', 0])
    await conn.until(() => conn.closed)
  })

  it('within its body, counted from each piece of a stream', async () => {
    using origin = await ScriptedTarget.open()
    const { lab, advance } = timed({ config: { requestMs: 5000 } })
    using _ = lab
    const { sink } = lab.start(`http://${origin.authority}/`, { timing: 'stream' })
    const conn = await origin.next()
    await conn.take()
    conn.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n')
    for (let i = 1; i < 5; i += 1) {
      conn.send('x')
      await until(() => sink.bytes === i)
      advance(4999)
      expect(sink.isOver).toBe(false)
    }
    advance(1)
    await sink.over
    expect([sink.code, lab.queue.held]).toEqual(['RESPONSE_TIMEOUT', 0])
  })

  it.each(['whole', 'stream'] as const)(
    'is not blamed for the time that its client takes, %s',
    async (timing) => {
      using origin = await ScriptedTarget.open()
      const { lab, advance } = timed({ config: { requestMs: 5000 } })
      using _ = lab
      const slow = new RecordingSink()
      slow.isSlow = true
      const { sink, job } = lab.start(`http://${origin.authority}/`, { timing }, slow)
      const conn = await origin.next()
      await conn.take()
      conn.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok')
      await until(() => sink.bytes === 2)
      advance(60_000)
      expect(sink.isOver).toBe(false)
      slow.isSlow = false
      job.resume()
      advance(4999)
      conn.send('ok')
      await sink.over
      expect([sink.code, sink.text, lab.queue.held]).toEqual(['OK', 'okok', 0])
    },
  )

  it('while it is sent a stream, may take its time as long as it takes some, or the client sends none', async () => {
    using origin = await ScriptedTarget.open()
    const { lab, advance } = timed({ config: { requestMs: 5000, firstByteMs: 3000 } })
    using _ = lab
    const body = new PassThrough()
    const { sink } = lab.start(`http://${origin.authority}/`, { method: 'POST', body, timing: 'stream' })
    body.write('one')
    const conn = await origin.next()
    await conn.take('one')
    for (let i = 0; i < 5; i += 1) advance(5000)
    expect(lab.queue.held).toBe(0)
    body.write('two')
    await conn.take('two')
    expect(sink.isOver).toBe(false)
    body.end()
    await conn.take('0\r\n\r\n')
    await until(() => body.readableEnded)
    advance(3000)
    await sink.over
    expect([sink.code, lab.queue.held]).toEqual(['RESPONSE_TIMEOUT', 0])
  })

  it('while it is sent a stream bit by bit, without a slot', async () => {
    using origin = await ScriptedTarget.open()
    const { lab, advance } = timed({ config: { requestMs: 5000 } })
    using _ = lab
    const body = new PassThrough()
    const { sink } = lab.start(`http://${origin.authority}/`, { method: 'POST', body, timing: 'stream' })
    const conn = await origin.next()
    for (let i = 0; i < 4; i += 1) {
      body.write('bit')
      await conn.take('bit')
      advance(5000)
    }
    expect([sink.isOver, lab.queue.held]).toEqual([false, 0])
    conn.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    await sink.over
    expect(sink.text).toBe('ok')
  })

  it('while it is sent a stream that it does not read', async () => {
    using origin = await ScriptedTarget.open()
    const { lab, advance } = timed({ config: { requestMs: 5000 } })
    using _ = lab
    const endless = new Readable({ read: (): void => void endless.push(Buffer.alloc(64 * 1024)) })
    const { sink } = lab.start(`http://${origin.authority}/`, {
      method: 'POST',
      body: endless,
      timing: 'stream',
    })
    const conn = await origin.next()
    conn.socket.pause()
    await until(() => endless.isPaused())
    for (let i = 0; i < 3 && !sink.isOver; i += 1) {
      for (let n = 0; n < 50; n += 1) await turn()
      advance(5000)
    }
    await sink.over
    expect(['REQUEST_TIMEOUT', 'RESPONSE_TIMEOUT']).toContain(sink.code)
    expect([lab.queue.held, endless.destroyed]).toEqual([0, true])
  })
})

describe('a client', () => {
  it('that leaves while its job is queued', async () => {
    using lab = new JobsLab()
    lab.queue.gate = new Promise(() => {})
    const { sink, job } = lab.start('http://127.0.0.1:9/')
    await turn()
    job.cancel(new ServiceError('CLIENT_CLOSED'))
    job.cancel(new ServiceError('CLIENT_CLOSED'))
    for (let i = 0; i < 5; i += 1) await turn()
    expect([sink.isOver, lab.dialled.length, lab.queue.left]).toEqual([false, 0, 1])
  })

  it('that leaves just before its turn has the slot given back', async () => {
    using lab = new JobsLab()
    const gate = Promise.withResolvers<void>()
    Object.assign(lab.queue, { gate: gate.promise, hasDecided: true })
    const { sink, job } = lab.start('http://127.0.0.1:9/')
    job.cancel(new ServiceError('CLIENT_CLOSED'))
    gate.resolve()
    for (let i = 0; i < 5; i += 1) await turn()
    expect([sink.isOver, lab.dialled.length, lab.queue.entered, lab.queue.held]).toEqual([false, 0, 1, 0])
  })

  it.each(['in the dial', 'before the head', 'within the body'])('that leaves %s', async (phase) => {
    using origin = await ScriptedTarget.open()
    using lab = new JobsLab()
    const scheme = phase === 'in the dial' ? 'https' : 'http'
    const body = new PassThrough()
    body.write('x')
    const { sink, job } = lab.start(`${scheme}://${origin.authority}/`, { method: 'PUT', body })
    const conn = await origin.next()
    await conn.until(() => conn.received !== '')
    if (phase === 'within the body') {
      conn.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok')
      await sink.headed
    }
    expect(lab.queue.held).toBe(1)
    job.cancel(new ServiceError('CLIENT_CLOSED'))
    expect(lab.queue.held).toBe(0)
    await conn.until(() => conn.closed || (phase === 'in the dial' && conn.ended))
    expect([sink.isOver, body.destroyed]).toEqual([false, true])
  })

  it.each([
    ['ends too early', 3, 'REQUEST_INVALID'],
    ['is too long', 1, 'REQUEST_INVALID'],
  ])('whose body %s', async (_, bodyBytes, code) => {
    using origin = await ScriptedTarget.open()
    using lab = new JobsLab()
    const body = Readable.from([Buffer.from('ab')])
    const sink = await lab.ask(`http://${origin.authority}/`, { method: 'PUT', body, bodyBytes })
    expect([sink.code, lab.queue.held]).toEqual([code, 0])
    const conn = await origin.next()
    await conn.until(() => conn.ended || conn.closed)
  })

  it.each(['http', 'h2'])('whose body fails is not taken for the origin, over %s', async (kind) => {
    await using origin = await (kind === 'h2' ? TestOrigin.h2(() => {}) : TestOrigin.plain(() => {}))
    using lab = new JobsLab({ trust: { ca: authority.cert } })
    const body = new PassThrough()
    const url = `${kind === 'h2' ? 'https' : 'http'}://localhost:${origin.port}/`
    let asked = false
    origin.server.on('request', () => (asked = true))
    const { sink } = lab.start(url, { method: 'PUT', body })
    body.write('ab')
    await until(() => asked)
    body.destroy(Object.assign(new Error('gone'), { code: 'ECONNRESET' }))
    await sink.over
    expect([sink.code, lab.queue.held]).toEqual(['CLIENT_RESET', 0])
  })

  it('whose body fails while its job is queued', async () => {
    using lab = new JobsLab()
    const gate = Promise.withResolvers<void>()
    lab.queue.gate = gate.promise
    const body = new PassThrough()
    await using origin = await TestOrigin.plain(() => {})
    const { sink } = lab.start(`http://localhost:${origin.port}/`, { method: 'PUT', body })
    body.destroy(new Error('gone'))
    await turn()
    gate.resolve()
    await sink.over
    expect([sink.code, lab.queue.held]).toEqual(['CLIENT_RESET', 0])
  })

  it.each(['http', 'h2'])('whose body breaks off, over %s', async (kind) => {
    await using origin = await (kind === 'h2' ? TestOrigin.h2(() => {}) : TestOrigin.plain(() => {}))
    using lab = new JobsLab({ trust: { ca: authority.cert } })
    const body = new PassThrough()
    const url = `${kind === 'h2' ? 'https' : 'http'}://localhost:${origin.port}/`
    const { sink } = lab.start(url, { method: 'PUT', body })
    body.write('ab')
    await until(() => origin.conns === 1)
    body.destroy()
    await sink.over
    expect([sink.code, lab.queue.held]).toEqual(['CLIENT_RESET', 0])
  })
})

describe('what cannot be asked for', () => {
  it.each([
    ['CONNECT', { method: 'CONNECT' }],
    ['a method that is no token', { method: 'GET /' }],
    ['a field with a line break', { fields: [['X', 'a\r\nY: b']] as const }],
    ['a name that is none', { fields: [['X Y', 'a']] as const }],
  ])('%s', async (_, wish) => {
    await using origin = await TestOrigin.plain((_request, response) => response.end())
    using lab = new JobsLab()
    const sink = await lab.ask(`http://127.0.0.1:${origin.port}/`, wish)
    expect([sink.code, lab.queue.held]).toEqual(['REQUEST_INVALID', 0])
  })

  it('is told as the queue says it', async () => {
    using lab = new JobsLab()
    lab.queue.refusal = new ServiceError('QUEUE_FULL', undefined, { retryMs: 7 })
    const sink = await lab.ask('http://127.0.0.1:9/', { body: Buffer.alloc(100), priority: 2 })
    expect(sink.error).toMatchObject({ code: 'QUEUE_FULL', retryMs: 7 })
    expect(lab.queue.tickets).toMatchObject([{ bytes: 119, priority: 2, id: 'r1' }])
  })

  it('is more than may come back', async () => {
    await using origin = await TestOrigin.plain((request, response) => {
      if (request.url === '/said') response.setHeader('Content-Length', 11)
      response.end('x'.repeat(11))
    })
    using lab = new JobsLab({ config: { maxResponseBytes: 10 } })
    const said = await lab.ask(`http://127.0.0.1:${origin.port}/said`)
    expect([said.code, said.head]).toEqual(['RESPONSE_TOO_LARGE', undefined])
    const head = await lab.ask(`http://127.0.0.1:${origin.port}/said`, { method: 'HEAD' })
    expect(head.code).toBe('OK')
    const unsaid = await lab.ask(`http://127.0.0.1:${origin.port}/`)
    expect([unsaid.code, lab.queue.held]).toEqual(['RESPONSE_TOO_LARGE', 0])
  })
})
