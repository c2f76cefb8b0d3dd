import { setImmediate as turn } from 'node:timers/promises'
import { createMetrics } from '@sluice/metrics'
import { type DatagramSocketOptions, NetError, type OnDatagram } from '@sluice/net'
import { ManualClock } from '@sluice/ratelimit'
import type { Address } from '@sluice/wire'
import { beforeEach, describe, expect, it } from 'vitest'
import { Association, type AssociationOptions } from './datagram.ts'
import type { Caller } from './request.ts'
import { Seldom } from './seldom.ts'
import { Journal } from './testing/journal.ts'

const callerOf = (user: object): Caller =>
  ({
    account: { user },
    client: { host: '198.51.100.7', port: 4000 },
    door: 'socks',
    protocol: 'udp',
  }) as unknown as Caller
const CALLER = callerOf({ name: 'ada' })
const DNS: Address = { host: '192.0.2.53', port: 53 }
const NAMED: Address = { host: 'dns.example', port: 53 }
const bytesOf = (text: string): Uint8Array => Buffer.from(text)

/** An association between a client and a network that are both in memory. */
class Bench {
  readonly clock = new ManualClock()
  readonly journal = new Journal()
  readonly metrics = createMetrics({ app: 'test', version: '0' }).door('test')
  /** What targets got: `payload>host:port`. */
  readonly out: string[] = []
  /** What the client got: `payload<host:port`. */
  readonly back: string[] = []
  readonly counted = { up: 0, down: 0 }
  readonly ends: Error[] = []
  readonly opened: string[] = []
  closed = 0
  located = 0
  names: Record<string, readonly string[]> = { 'dns.example': ['192.0.2.53'] }
  answers: PromiseWithResolvers<void> | undefined = undefined
  readonly association: Association
  #arrive: OnDatagram = () => {}

  constructor(options: Partial<AssociationOptions> = {}) {
    const lane = (direction: 'up' | 'down') => ({
      limiter: undefined,
      onGrant: () => {},
      count: (bytes: number) => void (this.counted[direction] += bytes),
    })
    this.association = new Association({
      caller: CALLER,
      client: {
        maxBytes: 1000,
        headOf: ({ host, port }) => bytesOf(`<${host}:${port}`),
        send: (head, payload) => void this.back.push(Buffer.concat([payload, head]).toString()),
      },
      lanes: { up: lane('up'), down: lane('down') },
      locate: (address) => this.#locate(address),
      metrics: this.metrics,
      log: this.journal.log,
      idleMs: 120_000,
      onEnd: (error) => void this.ends.push(error),
      clock: this.clock,
      bind: (socket) => this.#bind(socket),
      ...options,
    })
  }

  async send(text: string, to: Address = DNS): Promise<void> {
    this.association.send(bytesOf(text), this.association.towards(to))
    await turn()
  }

  arrive(text: string, host = DNS.host, port = DNS.port): void {
    this.#arrive(bytesOf(text), host, port)
  }

  get dropped(): Record<string, number> {
    return Object.fromEntries(this.metrics.dropped)
  }

  async #locate({ host }: Address): Promise<readonly string[]> {
    this.located += 1
    await this.answers?.promise
    if (host.startsWith('10.')) throw new NetError('TARGET_DENIED', 'as the test wants it')
    if (host === 'bug.example') throw new TypeError('a bug')
    const ips = /\d$/.test(host) ? [host] : this.names[host]
    if (ips === undefined) throw new NetError('DIAL_NAME_UNKNOWN', 'as the test wants it')
    return ips
  }

  #bind({ host, onDatagram }: DatagramSocketOptions): ReturnType<NonNullable<AssociationOptions['bind']>> {
    this.opened.push(host)
    this.#arrive = onDatagram
    if (host === '::') return Promise.reject(new NetError('DIAL_UNREACHABLE_NETWORK', 'no IPv6 here'))
    return Promise.resolve({
      maxBytes: 900,
      send: (bytes, to, port) =>
        void this.out.push(`${Buffer.from(bytes as Uint8Array).toString()}>${to}:${port}`),
      close: () => void (this.closed += 1),
    })
  }
}

describe('an association', () => {
  let bench: Bench
  beforeEach(() => {
    bench = new Bench()
  })

  it.each([
    ['of its user', { caller: callerOf({ name: 'ada', source: '192.0.2.8' }), source: '192.0.2.9' }],
    ['of the program', { source: '192.0.2.8' }],
  ])('sends from the source address %s, and nothing to the other family', async (_whose, options) => {
    bench = new Bench(options)
    await bench.send('a')
    await bench.send('b', { host: '2001:db8::1', port: 53 })
    expect([bench.opened, bench.out.length, bench.dropped]).toEqual([['192.0.2.8'], 1, { unreachable: 1 }])
  })

  it('sends to addresses and names, from one socket, and counts', async () => {
    await bench.send('a')
    await bench.send('bc', NAMED)
    await bench.send('d', { host: '192.0.2.1', port: 9 })
    expect(bench.out).toEqual(['a>192.0.2.53:53', 'bc>192.0.2.53:53', 'd>192.0.2.1:9'])
    expect(bench.opened).toEqual(['0.0.0.0'])
    expect(bench.counted).toEqual({ up: 4, down: 0 })
    expect(bench.metrics.datagrams).toEqual({ up: 3, down: 0 })
  })

  it('lets through what comes from where it has sent to, and nothing else', async () => {
    await bench.send('ask', NAMED)
    bench.arrive('answer')
    bench.arrive('other port', DNS.host, 54)
    bench.arrive('other host', '192.0.2.54')
    bench.arrive('again')
    expect(bench.back).toEqual(['answer<192.0.2.53:53', 'again<192.0.2.53:53'])
    expect(bench.dropped).toEqual({ source: 2 })
    expect(bench.counted).toEqual({ up: 3, down: 11 })
  })

  it('is never answered by who was only asked about', async () => {
    await bench.send('x', { host: '192.0.2.1', port: 9 })
    bench.answers = Promise.withResolvers()
    await bench.send('ask')
    bench.arrive('too early')
    bench.answers.resolve()
    await turn()
    bench.arrive('answer')
    expect([bench.back, bench.dropped]).toEqual([['answer<192.0.2.53:53'], { source: 1 }])
  })

  it('drops what is too long for either side', async () => {
    await bench.send('x'.repeat(901))
    await bench.send('x'.repeat(900))
    bench.arrive('x'.repeat(987))
    bench.arrive('x'.repeat(986))
    expect(bench.dropped).toEqual({ oversize: 2 })
    expect([bench.out.length, bench.back.length]).toEqual([1, 1])
  })

  it('tells of a denied target in the log once a minute, and counts all', async () => {
    for (const host of ['10.0.0.1', '10.0.0.1', '10.0.0.2']) await bench.send('x', { host, port: 53 })
    expect(bench.dropped).toEqual({ policy: 3 })
    expect(bench.journal.lines('datagram.denied')).toMatchObject([
      { user: 'ada', target: '10.0.0.1:53', code: 'TARGET_DENIED' },
    ])
    expect(bench.out).toEqual([])
  })

  it('tells of a socket that cannot be had once a minute, for all associations that tell together', async () => {
    const seldom = new Seldom(60_000, () => bench.clock.now())
    for (let i = 0; i < 2; i++) {
      const next = new Bench({ seldom, log: bench.journal.log })
      await next.send('x', { host: '2001:db8::1', port: 53 })
      expect(next.dropped).toEqual({ unreachable: 1 })
    }
    expect(bench.journal.lines('datagram.unbound')).toMatchObject([{ host: '::' }])
    bench.clock.advance(60_000)
    await new Bench({ seldom, log: bench.journal.log }).send('x', { host: '2001:db8::1', port: 53 })
    expect(bench.journal.lines('datagram.unbound')).toHaveLength(2)
  })

  it('looks up a name once while it is known, and anew after a minute', async () => {
    for (let i = 0; i < 3; i++) await bench.send('x', NAMED)
    expect(bench.located).toBe(1)
    bench.clock.advance(60_000)
    bench.names = { 'dns.example': ['192.0.2.99'] }
    await bench.send('y', NAMED)
    expect(bench.out.at(-1)).toBe('y>192.0.2.99:53')
  })

  it('asks again for a name that failed after 5 s, not before', async () => {
    const nobody = { host: 'nobody.example', port: 53 }
    await bench.send('x', nobody)
    await bench.send('x', nobody)
    expect([bench.located, bench.dropped]).toEqual([1, { lookup: 2 }])
    bench.clock.advance(5000)
    bench.names = { 'nobody.example': ['192.0.2.1'] }
    await bench.send('x', nobody)
    expect(bench.out).toEqual(['x>192.0.2.1:53'])
  })

  it('holds 16 datagrams for a lookup, in order, and 32 lookups', async () => {
    bench.answers = Promise.withResolvers()
    for (let i = 0; i < 17; i++) await bench.send(String(i), NAMED)
    expect(bench.dropped).toEqual({ lookup: 1 })
    for (let i = 0; i < 32; i++) await bench.send('x', { host: `192.0.2.${i}`, port: 1 })
    expect(bench.dropped).toEqual({ lookup: 2 })
    bench.answers.resolve()
    await turn()
    expect(bench.out.slice(0, 16)).toEqual(Array.from({ length: 16 }, (_, i) => `${i}>192.0.2.53:53`))
    expect(bench.out).toHaveLength(47)
  })

  it('holds 256 KiB for all lookups together, and again when they are over', async () => {
    const hold = async (): Promise<void> => {
      bench.answers = Promise.withResolvers()
      for (let port = 1; port <= 5; port++)
        await bench.send('x'.repeat(60_000), { host: `${port}.example`, port })
      await bench.send('x'.repeat(30_000), { host: '1.example', port: 1 })
      bench.answers.resolve()
      await turn()
    }
    await hold()
    expect(bench.dropped).toEqual({ lookup: 6 })
    bench.clock.advance(5000)
    await hold()
    expect([bench.located, bench.dropped]).toEqual([8, { lookup: 12 }])
  })

  it('does not send what has waited for a lookup for more than a second', async () => {
    bench.answers = Promise.withResolvers()
    await bench.send('late', NAMED)
    bench.clock.advance(1001)
    bench.answers.resolve()
    await turn()
    await bench.send('in time', NAMED)
    expect([bench.out, bench.dropped]).toEqual([['in time>192.0.2.53:53'], { lookup: 1 }])
  })

  it('takes the first address for which there is a socket', async () => {
    bench.names = { 'dns.example': ['2001:db8::53', '192.0.2.53'] }
    await bench.send('x', NAMED)
    await bench.send('x', { host: '2001:db8::1', port: 53 })
    expect(bench.out).toEqual(['x>192.0.2.53:53'])
    expect(bench.dropped).toEqual({ unreachable: 1 })
  })

  it('remembers 1,024 destinations, those used last', async () => {
    await bench.send('first')
    for (let port = 1; port <= 1023; port++) await bench.send('x', { host: '192.0.2.1', port })
    await bench.send('used again')
    await bench.send('one more', { host: '192.0.2.1', port: 1024 })
    bench.arrive('forgotten', '192.0.2.1', 1)
    bench.arrive('known')
    expect([bench.back, bench.dropped]).toEqual([['known<192.0.2.53:53'], { source: 1 }])
  })

  it('sends nothing for a forgotten lookup that ends after it was closed', async () => {
    bench.answers = Promise.withResolvers()
    await bench.send('held', NAMED)
    const { answers } = bench
    bench.answers = undefined
    for (let port = 1; port <= 1024; port++) await bench.send('x', { host: '192.0.2.1', port })
    bench.association.close()
    answers.resolve()
    await turn()
    expect([bench.out.length, bench.counted.up, bench.dropped]).toEqual([1024, 1024, { closed: 1 }])
  })

  it('opens no socket for a lookup that ends after it was closed', async () => {
    bench.answers = Promise.withResolvers()
    await bench.send('held', NAMED)
    bench.association.close()
    bench.answers.resolve()
    await turn()
    expect([bench.opened, bench.dropped]).toEqual([[], { closed: 1 }])
  })

  it('ends when nothing has passed for its idle time, and not before', async () => {
    for (let i = 0; i < 10; i++) {
      bench.clock.advance(119_000)
      await bench.send('x')
    }
    bench.clock.advance(119_000)
    bench.arrive('y')
    bench.clock.advance(119_000)
    expect(bench.ends).toEqual([])
    bench.clock.advance(31_001)
    expect(bench.ends).toMatchObject([{ code: 'IDLE_TIMEOUT' }])
    bench.association.close()
    expect(bench.clock.timers).toBe(0)
  })

  it('is not kept alive by datagrams that are dropped', async () => {
    await bench.send('x')
    for (let i = 0; i < 16; i++) {
      bench.clock.advance(10_000)
      bench.arrive('stranger', '192.0.2.99')
    }
    expect(bench.ends).toHaveLength(1)
  })

  it('ends with an error of ours', async () => {
    await bench.send('x', { host: 'bug.example', port: 1 })
    expect(bench.ends).toMatchObject([{ message: 'a bug' }])
  })

  it('lets go of everything, counts what it held, and takes nothing more', async () => {
    await bench.send('x')
    bench.answers = Promise.withResolvers()
    await bench.send('held', NAMED)
    bench.association.close()
    bench.association.close()
    bench.answers.resolve()
    await bench.send('late')
    expect([bench.closed, bench.clock.timers, bench.out.length]).toEqual([1, 0, 1])
    expect(bench.dropped).toEqual({ closed: 1 })
  })
})

describe('a full cone', () => {
  let bench: Bench
  beforeEach(async () => {
    bench = new Bench({ cone: 'full' })
    await bench.send('a')
  })

  it('lets anybody answer, each with the address that it came from', () => {
    bench.arrive('known')
    bench.arrive('other port', DNS.host, 54)
    bench.arrive('other host', '198.51.100.9', 1)
    bench.arrive('again', '198.51.100.9', 1)
    bench.arrive('and again')
    expect(bench.back).toEqual([
      'known<192.0.2.53:53',
      'other port<192.0.2.53:54',
      'other host<198.51.100.9:1',
      'again<198.51.100.9:1',
      'and again<192.0.2.53:53',
    ])
    expect(bench.dropped).toEqual({})
  })

  it('names IPv6 sources without the interface that they came by', () => {
    bench.arrive('x', '2001:db8::1', 9)
    bench.arrive('y', 'fe80::1%eth0', 9)
    bench.arrive('z', 'fe80::1%eth0', 9)
    expect(bench.back).toEqual(['x<2001:db8::1:9', 'y<fe80::1:9', 'z<fe80::1:9'])
  })

  it('makes a head once for each of the 1,024 sources that came last, and no more', async () => {
    let heads = 0
    const client = { maxBytes: 1000, headOf: () => bytesOf(String((heads += 1))), send: () => {} }
    bench = new Bench({ cone: 'full', client })
    await bench.send('a')
    for (let i = 0; i < 2048; i += 1) bench.arrive('x', '198.51.100.9', 1 + (i % 1024))
    expect(heads).toBe(1025)
    bench.arrive('x', '198.51.100.9', 1025)
    bench.arrive('x', '198.51.100.9', 1)
    expect(heads).toBe(1027)
  })

  it('is not kept alive by strangers, but by who was sent to, even after they came as one', async () => {
    const stranger = { host: '198.51.100.9', port: 1 }
    for (let i = 0; i < 3; i += 1) {
      bench.clock.advance(30_000)
      bench.arrive('x', stranger.host, stranger.port)
    }
    await bench.send('now known', stranger)
    for (let i = 0; i < 8; i += 1) {
      bench.clock.advance(110_000)
      bench.arrive('x', stranger.host, stranger.port)
    }
    expect(bench.ends).toEqual([])
    for (let i = 0; i < 5; i += 1) {
      bench.clock.advance(30_000)
      bench.arrive('x', '198.51.100.10', 1)
    }
    expect(bench.ends).toMatchObject([{ code: 'IDLE_TIMEOUT' }])
  })

  it('gives its user nothing once it is closed', () => {
    bench.association.close()
    bench.arrive('late', '198.51.100.9', 1)
    expect([bench.back, bench.dropped]).toEqual([[], { source: 1 }])
  })
})

describe('an association that only asks names', () => {
  const options = { idleMs: 300_000, dnsIdleMs: 16_000 }

  it('ends soon after its last datagram', async () => {
    const bench = new Bench(options)
    for (let i = 0; i < 5; i += 1) {
      await bench.send('ask')
      bench.clock.advance(15_000)
      bench.arrive('answer')
      bench.clock.advance(15_000)
    }
    expect(bench.ends).toEqual([])
    bench.clock.advance(5000)
    expect(bench.ends).toMatchObject([{ code: 'IDLE_TIMEOUT' }])
  })

  it('is one as any other from its first datagram to another port', async () => {
    const bench = new Bench(options)
    await bench.send('ask')
    bench.clock.advance(15_000)
    await bench.send('hello', { host: '192.0.2.1', port: 443 })
    await bench.send('ask')
    bench.clock.advance(299_000)
    expect(bench.ends).toEqual([])
    bench.clock.advance(76_000)
    expect(bench.ends).toHaveLength(1)
    bench.association.close()
    expect(bench.clock.timers).toBe(0)
  })
})

it('drops what waits for a rate when it closes', async () => {
  const lane = { limiter: { take: () => 0 }, onGrant: () => {}, count: () => {} }
  const bench = new Bench({ lanes: { up: lane, down: lane } })
  await bench.send('x')
  bench.association.close()
  expect(bench.dropped).toEqual({ closed: 1 })
})
