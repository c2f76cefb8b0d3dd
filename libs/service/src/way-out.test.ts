import { createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { createMetrics } from '@sluice/metrics'
import { parseUpstreamUrl, type Route, type UpstreamGroup } from '@sluice/net'
import type { Address } from '@sluice/wire'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { readRules } from './access/rule-reader.ts'
import type { Account } from './account.ts'
import { Journal } from './testing/journal.ts'
import { userOf } from './testing/memory-store.ts'
import { createWayOut, type WayOut, type WayOutOptions } from './way-out.ts'

const NEVER = new AbortController().signal
const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

const DEFAULTS: WayOutOptions['config'] = {
  allow: ['127.0.0.0/8', '::1'],
  dialMs: 10_000,
  rules: [],
  source: undefined,
  dns: undefined,
  dnsPrefer: 'none',
  sendProxy: undefined,
  sendProxyTo: [],
  dnsOnly: undefined,
  upstream: undefined,
  upstreams: {},
}

const lab = (config: Partial<WayOutOptions['config']> = {}) => {
  const metrics = createMetrics({ app: 'test', version: '0' })
  const journal = new Journal()
  const out = createWayOut({
    config: { ...DEFAULTS, ...config },
    doors: ['test'],
    own: () => [],
    metrics: metrics.wayOut,
    log: journal.log,
  })
  return { out, journal, metrics: metrics.wayOut }
}

/** A listener that answers everything with `words`. */
const openPeer = async (words = ''): Promise<{ port: number; heard: string[] }> => {
  const heard: string[] = []
  const server = createServer((socket: Socket) => {
    socket
      .on('error', () => {})
      .on('data', (chunk) => {
        heard.push(chunk.toString())
        socket.write(words)
      })
  })
  closing.push(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { port: (server.address() as { port: number }).port, heard }
}

const CALLER = {
  account: { user: userOf('ada') } as Account,
  client: { host: '192.0.2.1', port: 40_000 },
  door: 'test',
  protocol: 'connect',
}

const dial = async (out: WayOut, host: string, port: number): Promise<unknown> => {
  try {
    const { conn } = await out.dial({ host, port }, NEVER, CALLER, 'tunnel')
    conn.destroy()
    return 'OK'
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}

describe('the way out', () => {
  it('is straight unless told otherwise, and counts names', async () => {
    const { out, metrics } = lab()
    const { port } = await openPeer()
    expect([await dial(out, 'localhost', port), await dial(out, 'localhost', port)]).toEqual(['OK', 'OK'])
    expect([Object.fromEntries(metrics.lookups), metrics.cacheHits, metrics.dials.size]).toEqual([
      { ok: 1 },
      1,
      0,
    ])
  })

  it('is through the upstreams of the flag, which are counted', async () => {
    const peer = await openPeer('HTTP/1.1 200 OK\r\n\r\n')
    const { out, metrics } = lab({ upstream: [parseUpstreamUrl(`http://127.0.0.1:${peer.port}`)] })
    expect(await dial(out, 'target.test', 80)).toBe('OK')
    expect(peer.heard[0]).toBe('CONNECT target.test:80 HTTP/1.1\r\nHost: target.test:80\r\n\r\n')
    expect(Object.fromEntries(metrics.dials.get('default')!)).toEqual({ ok: 1 })
  })

  it('is the one that a rule names, for what the rule has judged', async () => {
    const peer = await openPeer('HTTP/1.1 200 OK\r\n\r\n')
    const hops = [parseUpstreamUrl(`http://127.0.0.1:${peer.port}`)]
    const check = { failures: 3, timeoutMs: 4000, retryMs: 1000, retryMaxMs: 60_000 }
    const parent = { members: [{ hops, weight: 1 }], balance: 'first', check } as const
    const { rules } = readRules([
      { action: 'allow', names: '.test', via: 'parent' },
      { action: 'allow', targets: '10.1.0.0/16', private: true, via: 'parent' },
    ])
    const { out } = lab({ rules, upstreams: { parent } })
    expect(await dial(out, 'www.test', 80)).toBe('OK')
    expect(await dial(out, '10.1.2.3', 80)).toBe('OK')
    expect(await dial(out, '10.2.2.3', 80)).toBe('TARGET_DENIED')
    expect(peer.heard.map((head) => head.split(' ')[1])).toEqual(['www.test:80', '10.1.2.3:80'])
    expect(() => lab({ rules })).toThrow('parent')
  })

  it('counts whom rules deny, by the rule, for dials and for who does not dial', async () => {
    const { rules } = readRules([
      { name: 'ads', action: 'deny', regex: '^ads?[0-9]*\\.' },
      { action: 'deny', targets: '127.0.0.2' },
    ])
    const { out, metrics } = lab({ rules })
    const locate = async (host: string): Promise<unknown> => {
      try {
        return await out.locate({ host, port: 53 }, CALLER)
      } catch (error) {
        return (error as { code?: unknown }).code
      }
    }
    expect(await dial(out, 'Ad7.example.test', 80)).toBe('ACCESS_DENIED')
    expect(await locate('ads.example.test')).toBe('ACCESS_DENIED')
    expect(await locate('127.0.0.2')).toBe('ACCESS_DENIED')
    expect(await locate('10.0.0.1')).toBe('TARGET_DENIED')
    expect(await locate('127.0.0.1')).toEqual(['127.0.0.1'])
    expect(Object.fromEntries(metrics.ruleHits)).toEqual({ ads: 2, 'rules[1]': 1 })
  })

  it('logs who is out, why, and who is back, without credentials', async () => {
    const words = { now: 'HTTP/1.1 407 Who\r\n\r\n' }
    const server = createServer(
      (socket) => void socket.on('error', () => {}).on('data', () => socket.write(words.now)),
    )
    closing.push(() => server.close())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as { port: number }
    const { out, journal } = lab({ upstream: [parseUpstreamUrl(`http://ada:secret@127.0.0.1:${port}`)] })
    for (let i = 0; i < 4; i++) expect(await dial(out, 'target.test', 80)).toBe('UPSTREAM_AUTH')
    words.now = 'HTTP/1.1 200 OK\r\n\r\n'
    expect(await dial(out, 'target.test', 80)).toBe('OK')
    const member = `http://127.0.0.1:${port}`
    expect(journal.lines('upstream.out')).toMatchObject([
      { upstream: 'default', member, err: { code: 'UPSTREAM_AUTH' } },
    ])
    expect(journal.lines('upstream.back')).toMatchObject([{ upstream: 'default', member }])
    expect(journal.raw.join('')).not.toMatch(/secret|YWRhOnNlY3JldA/)
  })
})

describe('a way that was gone once', () => {
  const HTTP = 'HTTP/1.1 200 OK\r\n\r\n'
  const check = { failures: 3, timeoutMs: 4000, retryMs: 1000, retryMaxMs: 60_000 }
  const groupOf = (port: number): UpstreamGroup => ({
    members: [{ hops: [parseUpstreamUrl(`http://127.0.0.1:${port}`)], weight: 1 }],
    balance: 'first',
    check,
  })
  const gone = async (out: WayOut, target: Address): Promise<Route> => {
    const route = await out.dial(target, NEVER, CALLER, 'http')
    closing.push(() => route.conn.destroy())
    return route
  }

  it.each([
    ['without rules', [], true],
    [
      'that a rule allows by its address',
      [{ action: 'allow', targets: '127.0.0.0/8' }, { action: 'deny' }],
      true,
    ],
    ['through an upstream', [{ action: 'allow', via: 'parent' }], true],
    ['through the first of two', [{ action: 'allow', via: ['parent', 'direct'] }], true],
    ['that was resolved here for it', [{ action: 'allow', targets: '127.0.0.0/8', via: 'parent' }], false],
  ])('may be again %s: %o', async (_, given, may) => {
    const peer = await openPeer(HTTP)
    const { out } = lab({ rules: readRules(given).rules, upstreams: { parent: groupOf(peer.port) } })
    const target = { host: 'localhost', port: peer.port }
    const route = await gone(out, target)
    expect(out.mayReuse(route, target, CALLER)).toBe(may)
    const { out: other } = lab()
    expect(other.mayReuse(route, target, CALLER)).toBe(false)
  })

  it('may be again if it was a tunnel', async () => {
    const peer = await openPeer(HTTP)
    const { out } = lab()
    const target = { host: 'localhost', port: peer.port }
    const route = await out.dial(target, new AbortController().signal, CALLER, 'tunnel')
    closing.push(() => route.conn.destroy())
    expect(out.mayReuse(route, target, CALLER)).toBe(true)
  })

  it('may not be again after hours', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 20, 16, 59) })
    closing.push(() => vi.useRealTimers())
    const peer = await openPeer(HTTP)
    const times = { from: '09:00', to: '17:00' }
    for (const via of ['direct', 'parent']) {
      vi.setSystemTime(Date.UTC(2026, 10, 20, 16, 59))
      const { rules } = readRules([{ action: 'allow', times, via }, { action: 'deny' }])
      const { out } = lab({ rules, upstreams: { parent: groupOf(peer.port) } })
      const target = { host: '127.0.0.1', port: peer.port }
      const route = await gone(out, target)
      expect(out.mayReuse(route, target, CALLER)).toBe(true)
      vi.setSystemTime(Date.UTC(2026, 10, 20, 17, 0))
      expect(out.mayReuse(route, target, CALLER)).toBe(false)
    }
  })
})
