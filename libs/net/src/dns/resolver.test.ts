import type { LookupAddress } from 'node:dns'
import { getEventListeners } from 'node:events'
import { isIPv6 } from 'node:net'
import { describe, expect, it } from 'vitest'
import { NEVER, turns } from '../testing/loopback.ts'
import { createResolver, type CreateResolverOptions } from './create-resolver.ts'
import type { Resolver } from './resolver.ts'
import type { LookupAll } from './system-names.ts'

type Settle = (error: Error | null, addresses: LookupAddress[]) => void

const entries = (ips: readonly string[]): LookupAddress[] =>
  ips.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))

/** A resolver on a clock and a getaddrinfo of the test, which answers when it is told to. */
const lab = (options: CreateResolverOptions = {}) => {
  const asked: { name: string; settle: Settle }[] = []
  const results: string[] = []
  const clock = { ms: 0, now: (): number => 1 + clock.ms }
  let hits = 0
  const lookup: LookupAll = (name, _, settle) => void asked.push({ name, settle })
  const resolver = createResolver({
    clock,
    lookup,
    onLookup: (result, ms) => results.push(`${result} ${ms}`),
    onHit: () => (hits += 1),
    ...options,
  })
  const answer = async (...ips: string[]): Promise<void> => {
    asked.at(-1)!.settle(null, entries(ips))
    await turns()
  }
  const fail = async (code: string): Promise<void> => {
    asked.at(-1)!.settle(Object.assign(new Error(code), { code }), [])
    await turns()
  }
  return { resolver, clock, asked, results, answer, fail, hits: (): number => hits }
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code ?? error
/** The addresses, or the code with which it fails. */
const outcome = async (resolver: Resolver, name: string, signal = NEVER): Promise<unknown> => {
  try {
    return await resolver.resolve(name, signal)
  } catch (error) {
    return codeOf(error)
  }
}

describe('the cache', () => {
  it('answers for 30 s what the system has said', async () => {
    const { resolver, clock, asked, answer, hits } = lab()
    const first = outcome(resolver, 'one.test')
    await answer('192.0.2.1', '2001:db8::1')
    expect(await first).toEqual(['192.0.2.1', '2001:db8::1'])
    clock.ms = 29_999
    expect(await outcome(resolver, 'ONE.test')).toEqual(['192.0.2.1', '2001:db8::1'])
    expect([asked.length, hits()]).toEqual([1, 1])
    clock.ms = 30_001
    const second = outcome(resolver, 'one.test')
    await answer('192.0.2.2')
    expect([await second, asked.length]).toEqual([['192.0.2.2'], 2])
  })

  it.each(['ENOTFOUND', 'no address'])('remembers for 5 s that there is no such name: %s', async (what) => {
    const { resolver, clock, asked, answer, fail } = lab()
    const first = outcome(resolver, 'one.test')
    await (what === 'ENOTFOUND' ? fail(what) : answer())
    clock.ms = 4999
    expect([await first, await outcome(resolver, 'one.test')]).toEqual(Array(2).fill('DIAL_NAME_UNKNOWN'))
    expect(asked.length).toBe(1)
    clock.ms = 5001
    const second = outcome(resolver, 'one.test')
    await answer('192.0.2.1')
    expect([await second, asked.length]).toEqual([['192.0.2.1'], 2])
  })

  it('remembers no failure', async () => {
    const { resolver, asked, answer, fail, results, clock } = lab()
    const first = outcome(resolver, 'one.test')
    clock.ms = 7
    await fail('EAI_AGAIN')
    expect(await first).toBe('DIAL_NAME_FAILED')
    const second = outcome(resolver, 'one.test')
    await answer('192.0.2.1')
    expect([await second, asked.length, results]).toEqual([['192.0.2.1'], 2, ['failed 7', 'ok 0']])
  })

  it('has at most 10,000 names, and forgets the longest unused', async () => {
    const resolver = createResolver({
      lookup: (name, _, settle) => {
        asked.push(name)
        settle(null, entries(['192.0.2.1']))
      },
    })
    const asked: string[] = []
    const ask = (n: number): Promise<unknown> => resolver.resolve(`n${n}.test`, NEVER)
    for (let n = 0; n < 10_000; n++) await ask(n)
    await ask(0)
    await ask(10_000)
    expect(asked.length).toBe(10_001)
    await ask(0)
    expect(asked.length).toBe(10_001)
    await ask(1)
    expect(asked.at(-1)).toBe('n1.test')
  })
})

describe('questions under way', () => {
  it('for one name are one', async () => {
    const { resolver, asked, answer, hits, results } = lab()
    const both = [outcome(resolver, 'one.test'), outcome(resolver, 'One.Test')]
    await answer('192.0.2.1')
    expect(await Promise.all(both)).toEqual([['192.0.2.1'], ['192.0.2.1']])
    expect([asked.length, hits(), results]).toEqual([1, 1, ['ok 0']])
  })

  it('are given up by one without hurting the other, and the answer is kept though all have left', async () => {
    const { resolver, asked, answer } = lab()
    const aborts = [new AbortController(), new AbortController()]
    const left = new Error('left')
    const [one, two] = aborts.map(({ signal }) => outcome(resolver, 'one.test', signal))
    aborts[0]!.abort(left)
    expect(await one).toBe(left)
    aborts[1]!.abort(left)
    expect(await two).toBe(left)
    expect(aborts.map(({ signal }) => getEventListeners(signal, 'abort'))).toEqual([[], []])
    await answer('192.0.2.1')
    expect([await outcome(resolver, 'one.test'), asked.length]).toEqual([['192.0.2.1'], 1])
  })

  it('let go of the signal once there is an answer', async () => {
    const { resolver, answer } = lab()
    const { signal } = new AbortController()
    const asking = outcome(resolver, 'one.test', signal)
    await answer('192.0.2.1')
    await asking
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('hold two threads at most where nobody answers, and those that are given up meanwhile are not asked', async () => {
    const { resolver, asked, results } = lab()
    const abort = new AbortController()
    const stuck = ['a', 'b', 'c', 'd'].map((name) => outcome(resolver, `${name}.test`, abort.signal))
    const patient = outcome(resolver, 'e.test')
    expect(asked.map(({ name }) => name)).toEqual(['a.test', 'b.test'])
    abort.abort(new Error('left'))
    await Promise.all(stuck)
    await turns()
    asked[0]!.settle(null, entries(['192.0.2.1']))
    await turns()
    expect(asked.map(({ name }) => name)).toEqual(['a.test', 'b.test', 'e.test'])
    asked[2]!.settle(null, entries(['192.0.2.5']))
    expect([await patient, results]).toEqual([['192.0.2.5'], ['ok 0', 'ok 0']])
  })

  it('fail at once where 256 others wait', async () => {
    const { resolver, asked } = lab()
    const abort = new AbortController()
    const waiting = Array.from({ length: 258 }, (_, n) => outcome(resolver, `n${n}.test`, abort.signal))
    expect(await outcome(resolver, 'last.test')).toBe('DIAL_NAME_FAILED')
    abort.abort(new Error('left'))
    await Promise.all(waiting)
    expect(asked.length).toBe(2)
    const next = outcome(resolver, 'last.test')
    asked[0]!.settle(null, [])
    await turns()
    asked.at(-1)!.settle(null, entries(['192.0.2.1']))
    expect(await next).toEqual(['192.0.2.1'])
  })
})

describe('the order', () => {
  const ips = ['192.0.2.1', '2001:db8::1', '192.0.2.2', '2001:db8::2']

  it.each([
    [undefined, ips],
    ['ipv4', ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2']],
    ['ipv6', ['2001:db8::1', '2001:db8::2', '192.0.2.1', '192.0.2.2']],
  ] as const)('prefers %s', async (prefer, wanted) => {
    const { resolver, answer } = lab({ prefer })
    const asking = outcome(resolver, 'one.test')
    await answer(...ips)
    expect(await asking).toEqual(wanted)
  })

  it.each([
    ['ipv4', 4],
    ['ipv6', 6],
    [undefined, 0],
  ] as const)('asks the system for %s only', async (only, family) => {
    const families: unknown[] = []
    const lookup: LookupAll = (_, options, settle) => {
      families.push(options.family)
      settle(null, entries(['192.0.2.1']))
    }
    await createResolver({ only, lookup }).resolve('one.test', NEVER)
    expect(families).toEqual([family])
  })
})
