import { afterEach, describe, expect, it, vi } from 'vitest'
import { AddressPolicy } from '../address-policy.ts'
import type { Conn } from '../conn.ts'
import { NetError } from '../net-error.ts'
import { createResolver } from '../dns/create-resolver.ts'
import { CERTIFICATE } from '../testing/certificate.ts'
import { dialLoopback, Door, LOOPBACK, NEVER } from '../testing/loopback.ts'
import { freePort, OWN_HOST } from '../testing/own-loopback.ts'
import { openRelay, openScripted, type Peer } from '../testing/scripted-proxy.ts'
import type { Route } from './route.ts'
import type { UpstreamChange, UpstreamGroup } from './upstream-group.ts'
import { parseUpstreamUrl } from './upstream-url.ts'
import { createUpstreams, type Upstreams, type UpstreamsOptions } from './upstreams.ts'

const TARGET = { host: 'target.test', port: 7 }
const CHECK = { failures: 3, timeoutMs: 4000, retryMs: 1000, retryMaxMs: 60_000 }
const OK = 'HTTP/1.1 200 OK\r\n\r\n'
const REFUSED = 'HTTP/1.1 502 Bad Gateway\r\nSluice-Code: DIAL_REFUSED\r\n\r\n'
const WRONG = 'HTTP/1.1 407 Who\r\n\r\n'
const GARBAGE = 'what?'

const peers: Peer[] = []
afterEach(() => {
  vi.useRealTimers()
  for (const peer of peers.splice(0)) peer[Symbol.dispose]()
})

/** Proxies that answer what `says` has for them, and a group of them. */
class Lab {
  readonly clock = { ms: 1, now: (): number => this.clock.ms }
  readonly results: string[] = []
  readonly changes: UpstreamChange[] = []
  says: string[] = []
  readonly upstreams: Upstreams
  readonly proxies: readonly Peer[]

  static async open(count: number, group: Partial<UpstreamGroup> = {}, weights: number[] = []): Promise<Lab> {
    const lab: { it?: Lab } = {}
    const proxies = await Promise.all(
      Array.from({ length: count }, (_, i) =>
        openScripted(() => ({ answers: [Buffer.from(lab.it!.says[i] ?? '')] })),
      ),
    )
    peers.push(...proxies)
    const members = proxies.map(({ port }, i) => ({
      hops: [parseUpstreamUrl(`http://127.0.0.1:${port}`)],
      weight: weights[i] ?? 1,
    }))
    return (lab.it = new Lab(proxies, { members, balance: 'roundrobin', check: CHECK, ...group }))
  }

  constructor(proxies: readonly Peer[], group: UpstreamGroup, options: Partial<UpstreamsOptions> = {}) {
    this.proxies = proxies
    this.upstreams = createUpstreams(
      { pool: group },
      {
        direct: dialLoopback(),
        policy: new AddressPolicy(),
        clock: this.clock,
        onDial: (upstream, result) => this.results.push(`${upstream} ${result}`),
        onChange: (change) => this.changes.push(change),
        ...options,
      },
    )
  }

  async dial(name = 'pool', target = TARGET, signal = NEVER): Promise<unknown> {
    try {
      const conn: Conn = await this.upstreams.dial(name, target, signal)
      conn.destroy()
      return 'OK'
    } catch (error) {
      return (error as { code?: unknown }).code ?? error
    }
  }

  /** How often each proxy was asked since it was last looked at. */
  asked(): number[] {
    return this.proxies.map(({ messages }) => messages.splice(0).length)
  }
}

describe('upstreams', () => {
  it('have direct among them, which obeys the whole policy', async () => {
    const lab = await Lab.open(1)
    const door = await Door.open()
    expect(lab.upstreams.names).toEqual(['direct', 'pool'])
    expect(await lab.dial('direct', { host: '127.0.0.1', port: door.port })).toBe('OK')
    expect(await lab.dial('direct', { host: '10.0.0.1', port: 1 })).toBe('TARGET_DENIED')
    expect([lab.results, lab.asked()]).toEqual([[], [0]])
    door.close()
  })

  it('that nobody has set up are a mistake of the caller', async () => {
    const lab = await Lab.open(1)
    expect(await lab.dial('nobody')).toEqual(new RangeError('there is no upstream nobody'))
  })

  it.each(['127.0.0.1', '::1', 'localhost', '127.1', '2130706433', '169.254.169.254'])(
    'are not asked for what the policy denies: %s',
    async (host) => {
      const lab = await Lab.open(1)
      expect([await lab.dial('pool', { host, port: 80 }), lab.asked()]).toEqual(['TARGET_DENIED', [0]])
    },
  )

  it('are asked for names as they are, and for addresses that are allowed', async () => {
    const lab = await Lab.open(1)
    lab.says = [OK]
    for (const host of ['one.test', '8.8.8.8', '2001:4860::8888'])
      expect(await lab.dial('pool', { host, port: 80 })).toBe('OK')
    expect(lab.proxies[0]!.messages.map((message) => message.toString().split(' ')[1])).toEqual([
      'one.test:80',
      '8.8.8.8:80',
      '[2001:4860::8888]:80',
    ])
  })

  it('may have a name themselves', async () => {
    const { proxies } = await Lab.open(1)
    const asked: string[] = []
    const resolver = createResolver({
      lookup: (name, _, settle) => {
        asked.push(name)
        settle(null, [{ address: '127.0.0.1', family: 4 }])
      },
    })
    const hops = [parseUpstreamUrl(`socks5://proxy.test:${proxies[0]!.port}`)]
    const group = { members: [{ hops, weight: 1 }], balance: 'first', check: CHECK } as const
    const direct = dialLoopback()
    const upstreams = createUpstreams(
      { pool: group },
      { direct, policy: new AddressPolicy(LOOPBACK), resolver },
    )
    const abort = new AbortController()
    const settled = upstreams.dial('pool', TARGET, abort.signal).catch((error: unknown) => error)
    await proxies[0]!.received(1)
    abort.abort('enough')
    expect([await settled, asked]).toEqual(['enough', ['proxy.test']])
  })
})

describe('members', () => {
  it('take turns by weight', async () => {
    const lab = await Lab.open(2, {}, [3, 1])
    lab.says = [OK, OK]
    for (let i = 0; i < 8; i++) await lab.dial()
    expect([lab.asked(), lab.results]).toEqual([[6, 2], Array(8).fill('pool ok')])
  })

  it('or the first is taken while it is up', async () => {
    const lab = await Lab.open(2, { balance: 'first' })
    lab.says = [OK, OK]
    for (let i = 0; i < 3; i++) await lab.dial()
    expect(lab.asked()).toEqual([3, 0])
  })

  it.each([
    [GARBAGE, 'failed'],
    [WRONG, 'auth'],
  ])('stand in for one that fails: %j', async (words, result) => {
    const lab = await Lab.open(2, { balance: 'first' })
    lab.says = [words, OK]
    expect([await lab.dial(), lab.asked(), lab.results]).toEqual([
      'OK',
      [1, 1],
      [`pool ${result}`, 'pool ok'],
    ])
  })

  it('do not stand in where the target is to blame', async () => {
    const lab = await Lab.open(2, { balance: 'first' })
    lab.says = [REFUSED, OK]
    for (let i = 0; i < 5; i++) expect(await lab.dial()).toBe('DIAL_REFUSED')
    expect([lab.asked(), lab.results, lab.changes]).toEqual([[5, 0], Array(5).fill('pool target'), []])
  })

  it('fail together with the most telling of what they said', async () => {
    const lab = await Lab.open(3)
    lab.says = [GARBAGE, WRONG, GARBAGE]
    expect([await lab.dial(), lab.asked()]).toEqual(['UPSTREAM_AUTH', [1, 1, 1]])
    const failure = lab.upstreams.dial('pool', TARGET, NEVER)
    await expect(failure).rejects.toMatchObject({ cause: { errors: { length: 3 } } })
  })

  it('are out after three failures in a row, come back by a probe, and are told of once', async () => {
    const lab = await Lab.open(2, { balance: 'first' })
    lab.says = [GARBAGE, OK]
    for (let i = 0; i < 3; i++) expect(await lab.dial()).toBe('OK')
    expect([lab.asked(), lab.upstreams.healthy()]).toEqual([[3, 3], { pool: 1 }])
    lab.clock.ms += 999
    await lab.dial()
    expect(lab.asked()).toEqual([0, 1])
    lab.clock.ms += 1
    await lab.dial()
    await lab.dial()
    expect(lab.asked()).toEqual([1, 2])
    lab.says = [OK, OK]
    lab.clock.ms += 1999
    await lab.dial()
    expect(lab.asked()).toEqual([0, 1])
    lab.clock.ms += 1
    await lab.dial()
    await lab.dial()
    expect([lab.asked(), lab.upstreams.healthy()]).toEqual([[2, 0], { pool: 2 }])
    const member = `http://127.0.0.1:${lab.proxies[0]!.port}`
    expect(lab.changes).toMatchObject([
      { upstream: 'pool', member, isUp: false, cause: { code: 'UPSTREAM_FAILED' } },
      { upstream: 'pool', member, isUp: true, cause: undefined },
    ])
  })

  it('are tried all the same where none is up', async () => {
    const lab = await Lab.open(2)
    lab.says = [GARBAGE, GARBAGE]
    for (let i = 0; i < 5; i++) expect(await lab.dial()).toBe('UPSTREAM_FAILED')
    expect([lab.asked(), lab.upstreams.healthy()]).toEqual([[5, 5], { pool: 0 }])
    lab.says = [GARBAGE, OK]
    expect([await lab.dial(), lab.upstreams.healthy()]).toEqual(['OK', { pool: 1 }])
  })

  it('a client that leaves says nothing about them', async () => {
    const lab = await Lab.open(2)
    lab.says = ['', '']
    for (let i = 1; i < 5; i++) {
      const abort = new AbortController()
      const settled = lab.dial('pool', TARGET, abort.signal)
      await Promise.race(lab.proxies.map((proxy) => proxy.received(1)))
      abort.abort('left')
      expect(await settled).toBe('left')
      lab.asked()
    }
    expect([lab.results, lab.changes]).toEqual([Array(4).fill('pool aborted'), []])
  })

  it('that are slow to be reached leave time for others, all within one deadline', async () => {
    const slow = await openScripted(() => ({ answers: [Buffer.alloc(0)] }))
    peers.push(slow)
    const hops = [parseUpstreamUrl(`socks5://127.0.0.1:${slow.port}`)]
    const members = Array.from({ length: 5 }, () => ({ hops, weight: 1 }))
    const lab = new Lab([slow], { members, balance: 'first', check: CHECK })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const settled = lab.dial()
    for (const [nth, ms] of [
      [1, 4000],
      [2, 4000],
      [3, 2000],
    ] as const) {
      await slow.received(nth)
      lab.clock.ms += ms
      await vi.advanceTimersByTimeAsync(ms)
    }
    expect([await settled, lab.results.length, vi.getTimerCount()]).toEqual(['UPSTREAM_FAILED', 3, 0])
  })

  it('one that was asked for a target has all the time there is, and is not to blame', async () => {
    const lab = await Lab.open(2)
    lab.says = ['', '']
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const settled = lab.dial()
    await Promise.race(lab.proxies.map((proxy) => proxy.received(1)))
    await vi.advanceTimersByTimeAsync(10_000)
    expect([await settled, lab.results]).toEqual(['DIAL_TIMEOUT', ['pool target']])
  })

  it('that nobody listens as are failures of theirs', async () => {
    const hops = [parseUpstreamUrl(`http://${OWN_HOST}:${freePort()}`)]
    const lab = new Lab([], { members: [{ hops, weight: 1 }], balance: 'first', check: CHECK })
    expect([await lab.dial(), lab.results]).toEqual(['UPSTREAM_FAILED', ['pool failed']])
  })
})

describe('plain HTTP', () => {
  const forward = async (lab: Lab, signal = NEVER): Promise<Route> =>
    lab.upstreams.forward('pool', TARGET, signal)
  const UNASKED = new NetError('UPSTREAM_AUTH', 'who?')

  it('goes to a hop that speaks it, unasked, with what that wants', async () => {
    const [first, last] = [await openRelay('http'), await openScripted(() => ({ answers: [] }), true)]
    peers.push(first, last)
    const hops = [
      parseUpstreamUrl(`http://127.0.0.1:${first.port}`),
      parseUpstreamUrl(`https://ada:p%40ss@127.0.0.1:${last.port}`),
    ]
    const lab = new Lab(
      [],
      { members: [{ hops, weight: 1 }], balance: 'first', check: CHECK },
      { ca: CERTIFICATE },
    )
    const { conn, upstream, hop } = await forward(lab)
    expect([upstream, hop?.label, hop?.authorization]).toEqual(['pool', hops[1]!.label, 'Basic YWRhOnBAc3M='])
    conn.write(Buffer.from('GET'))
    await last.received(1)
    expect(last.messages.join('')).toBe('GET')
    conn.destroy()
  })

  it('goes by tunnel through a hop that does not, and by no hop where it goes direct', async () => {
    const peer = await openRelay('socks5')
    const door = await Door.open()
    peers.push(peer)
    const hops = [parseUpstreamUrl(`socks5://127.0.0.1:${peer.port}`)]
    const policy = new AddressPolicy(LOOPBACK)
    const lab = new Lab([], { members: [{ hops, weight: 1 }], balance: 'first', check: CHECK }, { policy })
    const target = { host: '127.0.0.1', port: door.port }
    const routes = [
      await lab.upstreams.forward('pool', target, NEVER),
      await lab.upstreams.forward('direct', target, NEVER),
    ]
    expect(routes).toMatchObject([
      { upstream: 'pool', hop: undefined },
      { upstream: undefined, hop: undefined },
    ])
    for (const { conn } of routes) conn.destroy()
    expect(lab.results).toEqual(['pool ok'])
    door.close()
  })

  it('is held to the address policy as tunnels are', async () => {
    const lab = await Lab.open(1)
    await expect(lab.upstreams.forward('pool', { host: '10.0.0.1', port: 80 }, NEVER)).rejects.toMatchObject({
      code: 'TARGET_DENIED',
    })
    expect(lab.results).toEqual([])
  })

  it('has another member where one cannot be reached', async () => {
    const lab = await Lab.open(2, { balance: 'first' })
    lab.proxies[0]![Symbol.dispose]()
    const { conn, hop } = await forward(lab)
    hop!.told('ok')
    conn.destroy()
    expect([hop!.label, lab.results]).toEqual([
      `http://127.0.0.1:${lab.proxies[1]!.port}`,
      ['pool failed', 'pool ok'],
    ])
  })

  it('counts against a member by what came of its first request, and not because it was connected', async () => {
    const lab = await Lab.open(2, { balance: 'first' })
    for (const outcome of [
      UNASKED,
      UNASKED,
      'aborted',
      new NetError('TARGET_RESET', 'gone'),
      UNASKED,
    ] as const) {
      const { conn, hop } = await forward(lab)
      hop!.told(outcome)
      conn.destroy()
    }
    expect([lab.results, lab.changes]).toEqual([
      ['pool auth', 'pool auth', 'pool aborted', 'pool target', 'pool auth'],
      [],
    ])
    for (let i = 0; i < 2; i++) {
      const { conn, hop } = await forward(lab)
      hop!.told(UNASKED)
      conn.destroy()
    }
    expect(lab.changes).toMatchObject([{ isUp: false, cause: { code: 'UPSTREAM_AUTH' } }])
    const { conn, hop } = await forward(lab)
    conn.destroy()
    expect(hop!.label).toBe(`http://127.0.0.1:${lab.proxies[1]!.port}`)
  })
})
