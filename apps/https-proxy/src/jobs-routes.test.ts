import type { RequestListener } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { NetError } from '@sluice/net'
import { ManualClock } from '@sluice/ratelimit'
import { describe, expect, it } from 'vitest'
import { callerOf, JobsLab } from './upstream/testing/jobs-lab.ts'
import { RecordingSink } from './upstream/testing/recording-sink.ts'
import { ScriptedOrigin } from './upstream/testing/scripted-origin.ts'
import { authority, identity, TestOrigin } from './upstream/testing/test-origin.ts'
import { createAuthority } from './upstream/testing/certificates.ts'

const trust = { ca: authority.cert }
const ok: RequestListener = (_request, response) => response.end('ok')

const messageOf = ({ error }: RecordingSink): string => error?.message ?? ''

describe('users', () => {
  it('never meet on a conn, and guests only where they come from one network', async () => {
    await using origin = await TestOrigin.secure(ok)
    using lab = new JobsLab({ trust })
    const url = `https://localhost:${origin.port}/`
    for (const name of ['ann', 'bob', 'ann', 'bob']) await lab.ask(url, { caller: callerOf(name) })
    expect(origin.conns).toBe(2)
    for (const host of ['192.0.2.1', '192.0.2.2', '192.0.2.1'])
      await lab.ask(url, { caller: callerOf('', host) })
    expect(origin.conns).toBe(4)
  })

  it('have a conn for each of their clients where origins are told of these', async () => {
    await using origin = await TestOrigin.plain(ok)
    using lab = new JobsLab({ config: { perClient: true } })
    const url = `http://localhost:${origin.port}/`
    for (const host of ['192.0.2.1', '192.0.2.2', '192.0.2.1'])
      await lab.ask(url, { caller: callerOf('ann', host) })
    expect(origin.conns).toBe(2)
  })

  it('lose a conn that may not be used any more', async () => {
    await using origin = await TestOrigin.plain(ok)
    let isAllowed = true
    using lab = new JobsLab({ mayReuse: () => isAllowed })
    const url = `http://localhost:${origin.port}/`
    await lab.ask(url)
    isAllowed = false
    await lab.ask(url)
    expect([origin.conns, lab.dialled.length]).toEqual([2, 2])
  })

  it('share no more idle conns than there may be', async () => {
    await using origin = await TestOrigin.plain(ok)
    using lab = new JobsLab({ config: { idleConnections: 2 } })
    const url = `http://localhost:${origin.port}/`
    for (const name of ['a', 'b', 'c', 'd']) await lab.ask(url, { caller: callerOf(name) })
    for (let i = 0; i < 5; i += 1) await turn()
    expect([lab.jobs.conns.idle, lab.jobs.conns.size]).toEqual([2, 2])
  })
})

describe('a conn of HTTP/2', () => {
  it('takes many requests at a time', async () => {
    const waiting: (() => void)[] = []
    await using origin = await TestOrigin.h2((_request, response) => {
      waiting.push(() => response.end('ok'))
      if (waiting.length === 10) for (const answer of waiting) answer()
    })
    using lab = new JobsLab({ trust })
    const url = `https://localhost:${origin.port}/`
    await using other = await TestOrigin.h2(ok)
    await lab.ask(`https://localhost:${other.port}/`)
    const first = lab.start(url)
    while (waiting.length === 0) await turn()
    const sinks = await Promise.all([first.sink.over, ...Array.from({ length: 9 }, () => lab.ask(url))])
    expect(sinks.map(({ text }) => text)).toEqual(Array.from({ length: 10 }, () => 'ok'))
    expect([origin.conns, lab.queue.held]).toEqual([1, 0])
  })

  it('breaks off one request, and goes on with others', async () => {
    await using origin = await TestOrigin.h2((request, response) => {
      if (request.url === '/cut') {
        response.write('some')
        setImmediate(() => response.destroy())
      } else response.end('ok')
    })
    using lab = new JobsLab({ trust })
    const url = `https://localhost:${origin.port}`
    await lab.ask(`${url}/`)
    const cut = await lab.ask(`${url}/cut`)
    expect([cut.code, (await lab.ask(`${url}/`)).text]).toEqual(['TARGET_RESET', 'ok'])
    expect([origin.conns, lab.queue.held]).toEqual([1, 0])
  })

  it('is used no more once its origin has hung up without a word', async () => {
    await using origin = await TestOrigin.h2((_request, response) => response.end('ok'))
    using lab = new JobsLab({ trust })
    const url = `https://localhost:${origin.port}/`
    await lab.ask(url)
    origin.hangUp()
    while (lab.jobs.conns.size > 0) await turn()
    expect((await lab.ask(url)).text).toBe('ok')
    expect(origin.conns).toBe(2)
  })

  it('is not asked for where it is not wanted', async () => {
    await using origin = await TestOrigin.secure((request, response) => response.end(request.httpVersion), {
      ALPNProtocols: ['h2', 'http/1.1'],
    })
    using lab = new JobsLab({ trust, config: { allowH2: false } })
    expect((await lab.ask(`https://localhost:${origin.port}/`)).text).toBe('1.1')
  })
})

describe('trust', () => {
  const stranger = createAuthority('stranger')
  it.each([
    ['is for another name', 'example.org', identity],
    ['has expired', 'localhost', authority.expired('localhost')],
    ['is of an unknown authority', 'localhost', stranger.issue('localhost')],
    ['is self-signed', 'localhost', stranger],
  ])('is not given to a certificate that %s', async (why, host, shown) => {
    await using origin = await TestOrigin.secure(ok, shown)
    using lab = new JobsLab({ trust })
    const sink = await lab.ask(`https://${host}:${origin.port}/`)
    expect([sink.code, messageOf(sink)]).toEqual(['ORIGIN_UNTRUSTED', expect.stringContaining(why)])
    expect([lab.queue.held, lab.dialled.length]).toEqual([0, 1])
    using careless = new JobsLab({ trust: { insecureHosts: new Set([host]) } })
    for (let i = 0; i < 3; i += 1) {
      const again = await careless.ask(`https://${host}:${origin.port}/`, { caller: callerOf(`user ${i}`) })
      expect(again.text).toBe('ok')
    }
    expect(careless.warnings).toEqual([[{ host }, 'origin.insecure']])
  })

  it('is not given by default to an authority of nobody', async () => {
    await using origin = await TestOrigin.secure(ok)
    using lab = new JobsLab({ trust: { insecureHosts: new Set(['ocalhost', 'a.localhost']) } })
    expect((await lab.ask(`https://localhost:${origin.port}/`)).code).toBe('ORIGIN_UNTRUSTED')
  })

  it('shows an origin the certificate that is for it alone', async () => {
    const requires = { requestCert: true, rejectUnauthorized: true, ca: authority.cert }
    await using origin = await TestOrigin.secure(ok, requires)
    await using other = await TestOrigin.secure(ok, requires)
    const certs = new Map([[`https://localhost:${origin.port}`, authority.issue('proxy')]])
    using lab = new JobsLab({ trust: { ...trust, certs } })
    expect((await lab.ask(`https://localhost:${origin.port}/`)).text).toBe('ok')
    const refused = await lab.ask(`https://localhost:${other.port}/`)
    expect([refused.code, lab.queue.held]).toEqual(['ORIGIN_UNTRUSTED', 0])
  })

  it('fails early for what is no certificate', () => {
    expect(() => new JobsLab({ trust: { ca: 'nothing' } })).toThrow(/no PEM certificate/)
    const certs = new Map([['https://a', { cert: 'x', key: 'y' }]])
    expect(() => new JobsLab({ trust: { certs } })).toThrow(/https:\/\/a/)
  })

  it('says that a plain server speaks no TLS', async () => {
    await using origin = await TestOrigin.plain(ok)
    using lab = new JobsLab({ trust })
    expect((await lab.ask(`https://localhost:${origin.port}/`)).code).toBe('ORIGIN_UNTRUSTED')
  })
})

describe('redirects', () => {
  const to =
    (location: string, status = 302): RequestListener =>
    (request, response) => {
      if (request.url === '/end') {
        request.pipe(response.setHeader('X-Method', request.method!))
        return
      }
      request.resume()
      response.writeHead(status, { Location: location, 'Content-Length': '4' })
      response.end('gone')
    }
  const methodOf = ({ head }: RecordingSink): string | undefined =>
    head?.fields.find(([name]) => name === 'X-Method')?.[1]

  it('are passed on unless they are asked for', async () => {
    await using origin = await TestOrigin.plain(to('/end'))
    using lab = new JobsLab()
    const sink = await lab.ask(`http://localhost:${origin.port}/`)
    expect([sink.head?.status, sink.text]).toEqual([302, 'gone'])
  })

  it.each([
    [301, 'POST', 'GET', ''],
    [302, 'PUT', 'PUT', 'body'],
    [303, 'PUT', 'GET', ''],
    [303, 'HEAD', 'HEAD', ''],
    [307, 'POST', 'POST', 'body'],
    [308, 'DELETE', 'DELETE', 'body'],
  ])('of %i make %s to %s', async (status, method, expected, body) => {
    await using origin = await TestOrigin.plain(to('/end', status))
    using lab = new JobsLab()
    const wish = {
      method,
      body: Buffer.from('body'),
      redirects: 1,
      fields: [['Content-Type', 'x/y']] as const,
    }
    const sink = await lab.ask(`http://localhost:${origin.port}/`, wish)
    expect([methodOf(sink), sink.text, sink.head?.url.pathname]).toEqual([expected, body, '/end'])
    expect([lab.queue.entered, lab.queue.held]).toEqual([1, 0])
  })

  it('are followed no more often than asked for, or allowed', async () => {
    await using origin = await TestOrigin.plain(to('/again'))
    using lab = new JobsLab({ config: { maxRedirects: 5 } })
    let asked = 0
    origin.server.on('request', () => (asked += 1))
    const sink = await lab.ask(`http://localhost:${origin.port}/`, { redirects: 3 })
    expect([sink.code, asked]).toEqual(['REDIRECT_LIMIT', 4])
    await lab.ask(`http://localhost:${origin.port}/`, { redirects: 99 })
    expect([asked, lab.queue.held]).toEqual([10, 0])
  })

  it('are passed on where the body cannot be sent again, or where there is no place to go to', async () => {
    await using origin = await TestOrigin.plain(to('/end', 307))
    using lab = new JobsLab()
    const body = Readable.from([Buffer.from('x')])
    const sink = await lab.ask(`http://localhost:${origin.port}/`, { method: 'POST', body, redirects: 9 })
    expect(sink.head?.status).toBe(307)
    await using odd = await TestOrigin.plain(to('ftp://localhost/'))
    expect((await lab.ask(`http://localhost:${odd.port}/`, { redirects: 9 })).head?.status).toBe(302)
  })

  it('tell no other origin what was for the first', async () => {
    const seen: (string[] | undefined)[] = []
    await using last = await TestOrigin.plain((request, response) => {
      seen.push(request.rawHeaders.filter((_, i) => i % 2 === 0))
      response.end()
    })
    await using origin = await TestOrigin.plain(to(`http://localhost:${last.port}/`))
    using lab = new JobsLab()
    const fields = [
      ['Authorization', 'x'],
      ['Cookie', 'y'],
      ['X-Own', 'z'],
    ] as const
    await lab.ask(`http://localhost:${origin.port}/`, { redirects: 1, fields })
    expect(seen).toEqual([['host', 'connection', 'X-Own']])
  })

  it('do not lead from https to http', async () => {
    await using plain = await TestOrigin.plain(ok)
    await using origin = await TestOrigin.secure(to(`http://localhost:${plain.port}/`))
    using lab = new JobsLab({ trust })
    const sink = await lab.ask(`https://localhost:${origin.port}/`, { redirects: 9 })
    expect([sink.code, plain.conns, lab.queue.held]).toEqual(['REDIRECT_LIMIT', 0, 0])
  })

  it('do not lead where nobody may go', async () => {
    await using origin = await TestOrigin.plain(to('http://10.1.2.3/'))
    using lab = new JobsLab()
    const sink = await lab.ask(`http://localhost:${origin.port}/`, { redirects: 9 })
    expect([sink.code, lab.queue.held]).toEqual(['TARGET_DENIED', 0])
  })

  it('of an endless body are followed all the same', async () => {
    await using last = await TestOrigin.plain(ok)
    await using origin = await TestOrigin.plain((_request, response) => {
      response.writeHead(302, { Location: `http://localhost:${last.port}/` })
      new Readable({
        read() {
          this.push(Buffer.alloc(65_536))
        },
      })
        .on('error', () => {})
        .pipe(response)
    })
    using lab = new JobsLab()
    const sink = await lab.ask(`http://localhost:${origin.port}/`, { redirects: 1 })
    expect([sink.text, lab.queue.held]).toEqual(['ok', 0])
  })
})

describe('names', () => {
  it('that change their answer to an address that is denied lead nowhere', async () => {
    await using origin = await TestOrigin.plain((_request, response) => {
      response.setHeader('Connection', 'close')
      response.end('ok')
    })
    const answers = [['127.0.0.1'], ['10.0.0.1']]
    using lab = new JobsLab({ names: () => answers.shift()! })
    const url = `http://rebind.test:${origin.port}/`
    expect((await lab.ask(url)).text).toBe('ok')
    expect((await lab.ask(url)).code).toBe('TARGET_DENIED')
  })
})

describe('an origin that has failed often', () => {
  const failing = (): { lab: JobsLab; clock: ManualClock; set: (fails: boolean) => void } => {
    const clock = new ManualClock()
    let fails = true
    const dial = (): never => {
      if (fails) throw new NetError('DIAL_REFUSED', 'refused')
      return undefined as never
    }
    const lab = new JobsLab({ clock, dial, config: { breakerFailures: 3, breakerMs: 1000 } })
    return { lab, clock, set: (now) => (fails = now) }
  }

  it('is left alone, then tried by one', async () => {
    await using origin = await TestOrigin.plain(ok)
    const { lab, clock, set } = failing()
    using _ = lab
    const url = `http://localhost:${origin.port}/`
    const post = (): Promise<RecordingSink> => lab.ask(url, { method: 'POST' })
    for (let i = 0; i < 3; i += 1) expect((await post()).code).toBe('DIAL_REFUSED')
    clock.advance(400)
    const broken = await lab.ask(url)
    expect(broken.error).toMatchObject({ code: 'ORIGIN_BROKEN', retryMs: 600 })
    expect([lab.dialled.length, lab.jobs.origins.broken, lab.queue.held]).toEqual([3, 1, 0])
    clock.advance(600)
    const [first, second] = await Promise.all([post(), post()])
    expect([first.code, second.code]).toEqual(['DIAL_REFUSED', 'ORIGIN_BROKEN'])
    clock.advance(1999)
    expect((await post()).error).toMatchObject({ retryMs: 1 })
    clock.advance(1)
    set(false)
    expect((await post()).text).toBe('ok')
    expect([(await post()).text, lab.jobs.origins.broken]).toEqual(['ok', 0])
  })

  it('for one user who asks for what it cannot give is well for others', async () => {
    await using origin = await TestOrigin.plain((request, response) => {
      if (request.url === '/bad') request.socket.destroy()
      else response.end('ok')
    })
    using lab = new JobsLab({ config: { breakerFailures: 3 } })
    for (let i = 0; i < 3; i += 1) await lab.ask(`http://localhost:${origin.port}/bad`)
    expect((await lab.ask(`http://localhost:${origin.port}/`)).code).toBe('ORIGIN_BROKEN')
    expect((await lab.ask(`http://localhost:${origin.port}/`, { caller: callerOf('bob') })).text).toBe('ok')
  })

  it('is asked as much as it may be, and no more', async () => {
    using origin = await ScriptedOrigin.open()
    using lab = new JobsLab({ config: { originConnections: 2 } })
    const url = `http://${origin.authority}/`
    const first = [lab.ask(url), lab.ask(url, { caller: callerOf('bob') })]
    const conns = [await origin.next(), await origin.next()]
    const third = await lab.ask(url, { caller: callerOf('cyd') })
    expect(third.error).toMatchObject({ code: 'ORIGIN_LIMIT', retryMs: 1000 })
    for (const conn of conns) {
      await conn.take()
      conn.send('HTTP/1.1 204 No Content\r\n\r\n')
    }
    await Promise.all(first)
    expect([lab.jobs.origins.size, lab.queue.held]).toEqual([0, 0])
  })
})

describe.each(['http', 'https', 'h2'])('much, over %s', (kind) => {
  const MUCH = 48 * 1024 * 1024
  const open = (listener: RequestListener): Promise<TestOrigin> => {
    if (kind === 'h2') return TestOrigin.h2(listener)
    return kind === 'http' ? TestOrigin.plain(listener) : TestOrigin.secure(listener)
  }
  const scheme = kind === 'http' ? 'http' : 'https'
  const source = (bytes: number): { body: Readable; given: number } => {
    const read = (): void => {
      each.given += 65_536
      each.body.push(each.given > bytes ? null : Buffer.alloc(65_536, each.given & 0xff))
    }
    const each = { body: new Readable({ read }), given: 0 }
    return each
  }
  /** Nothing has been added to it for a while. */
  const stands = async (count: () => number): Promise<void> => {
    for (let last = -1; last !== count();) {
      last = count()
      for (let i = 0; i < 200; i += 1) await turn()
    }
  }

  it('comes down as fast as the client takes it, and stays nowhere', async () => {
    const down = source(MUCH)
    await using origin = await open((_request, response) => void down.body.pipe(response))
    using lab = new JobsLab({ trust })
    const sink = new RecordingSink()
    sink.keeps = 0
    sink.isSlow = true
    const { job } = lab.start(`${scheme}://localhost:${origin.port}/`, {}, sink)
    await sink.headed
    await stands(() => down.given)
    expect(down.given).toBeLessThan(12 * 1024 * 1024)
    expect(sink.bytes).toBeLessThanOrEqual(64 * 1024)
    sink.onChunk = () => setImmediate(() => job.resume())
    job.resume()
    await sink.over
    expect([sink.code, sink.bytes, lab.queue.held]).toEqual(['OK', MUCH, 0])
  })

  it('goes up as fast as the origin takes it', async () => {
    let got = 0
    await using origin = await open((request, response) => {
      request.on('data', (chunk: Buffer) => (got += chunk.length)).on('end', () => response.end('ok'))
    })
    using lab = new JobsLab({ trust })
    const sink = await lab.ask(`${scheme}://localhost:${origin.port}/`, {
      method: 'PUT',
      body: source(MUCH).body,
    })
    expect([sink.text, got, lab.queue.held]).toEqual(['ok', MUCH, 0])
  })

  it('need not go up where the answer is there already', async () => {
    await using origin = await open((_request, response) => {
      response.writeHead(413)
      response.end('no')
    })
    using lab = new JobsLab({ trust })
    const body = new PassThrough()
    body.write('some')
    const sink = await lab.ask(`${scheme}://localhost:${origin.port}/`, { method: 'POST', body })
    expect([sink.head?.status, sink.text, sink.code, lab.queue.held]).toEqual([413, 'no', 'OK', 0])
    expect(body.destroyed).toBe(true)
  })
})
