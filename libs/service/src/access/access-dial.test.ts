import { AddressPolicy, type Conn, createDial, createResolver, type DialTerms, NetError } from '@sluice/net'
import { describe, expect, it } from 'vitest'
import type { Account } from '../account.ts'
import type { Caller } from '../request.ts'
import { memoryConn } from '../testing/memory-conn.ts'
import { userOf } from '../testing/memory-store.ts'
import { Access } from './access.ts'
import { accessDial, type UpstreamDial } from './access-dial.ts'
import { readRules } from './rule-reader.ts'

const NEVER = new AbortController().signal
const NAMES: Readonly<Record<string, readonly string[]>> = {
  'www.test': ['203.0.114.1', '203.0.114.2'],
  'office.test': ['198.51.99.1'],
  'both.test': ['10.0.0.1', '198.51.99.1', '203.0.114.1', '198.51.99.2'],
  'private.test': ['10.0.0.1'],
}

/** What happened to a dial: each attempt, and how it ended. */
interface Trace {
  readonly log: string[]
  readonly terms: (DialTerms | undefined)[]
}

interface Stage {
  readonly rules?: readonly object[]
  readonly upstreams?: readonly string[]
  /** By attempt, such as `parent www.test`: the code with which it fails. */
  readonly failing?: Readonly<Record<string, string>>
  readonly source?: string
  readonly resolve?: (host: string, signal: AbortSignal) => Promise<readonly string[]>
}

const conn = (): Conn => memoryConn('203.0.113.7', 443).conn

const attempt = async (
  host: string,
  stage: Stage,
  signal: AbortSignal = NEVER,
): Promise<Trace & { outcome: string; rule: unknown }> => {
  const { rules = [], upstreams = [], failing = {} } = stage
  const log: string[] = []
  const terms: (DialTerms | undefined)[] = []
  const dialled = async (name: string): Promise<Conn> => {
    log.push(name)
    const code = failing[name]
    if (code !== undefined) throw new NetError(code as 'DIAL_FAILED', name)
    return conn()
  }
  const resolve = stage.resolve ?? (async (name): Promise<readonly string[]> => NAMES[name] ?? [])
  const policy = new AddressPolicy()
  const dial = accessDial({
    access: () => new Access(readRules(rules).rules, { listeners: [], upstreams, now: () => 0 }),
    policy,
    direct: async (target, _signal, given) => {
      terms.push(given)
      const asked = given?.policy ?? policy
      const admitted = (NAMES[target.host] ?? [target.host]).filter((ip) => {
        try {
          asked.check(ip, target.port)
          return true
        } catch (error) {
          log.push(`${ip} ${String(Object(error).code)}`)
          return false
        }
      })
      if (admitted[0] === undefined) asked.check((NAMES[target.host] ?? [target.host])[0]!, target.port)
      return dialled(`direct ${admitted.join(' ')}`)
    },
    upstreams: {
      dials: new Map(
        upstreams.map((name): [string, UpstreamDial] => [
          name,
          async (to) => ({ conn: await dialled(`${name} ${to.host}`), upstream: name, hop: undefined }),
        ]),
      ),
      resolver: { resolve },
      deadlineMs: 10_000,
    },
  })
  const user = {
    ...userOf('ada'),
    groups: ['staff'],
    ...(stage.source !== undefined && { source: stage.source }),
  }
  const caller: Caller = {
    account: { user } as unknown as Account,
    client: { host: '192.0.2.1', port: 40_000 },
    door: 'socks',
    protocol: 'socks5',
  }
  try {
    await dial({ host, port: 443 }, signal, caller, 'tunnel')
    return { log, terms, outcome: 'OK', rule: undefined }
  } catch (error) {
    return { log, terms, outcome: String(Object(error).code ?? error), rule: Object(error).rule }
  }
}

describe('without upstreams', () => {
  it('and without rules it is a plain dial, from the address of the user', async () => {
    const { outcome, terms } = await attempt('www.test', { source: '192.0.2.9' })
    expect([outcome, terms]).toEqual(['OK', [{ localAddress: '192.0.2.9' }]])
    expect((await attempt('www.test', {})).terms).toEqual([{ localAddress: undefined }])
  })

  it('a rule denies before anything is dialled, and is told', async () => {
    const rules = [{ name: 'no test', action: 'deny', names: '.test', groups: 'staff' }]
    expect(await attempt('www.test', { rules })).toEqual({
      log: [],
      terms: [],
      outcome: 'ACCESS_DENIED',
      rule: 'no test',
    })
    expect(await attempt('203.0.114.1', { rules, source: '192.0.2.9' })).toMatchObject({
      outcome: 'OK',
      log: ['direct 203.0.114.1'],
      terms: [{ localAddress: '192.0.2.9' }],
    })
  })

  it('rules about addresses judge each that the name leads to', async () => {
    const rules = [{ action: 'deny', targets: ['203.0.114.1', '10.0.0.0/8'] }]
    expect((await attempt('www.test', { rules })).log).toEqual([
      '203.0.114.1 ACCESS_DENIED',
      'direct 203.0.114.2',
    ])
    expect(await attempt('private.test', { rules })).toMatchObject({
      outcome: 'ACCESS_DENIED',
      rule: 'rules[0]',
    })
  })

  it('what the address policy denies stays denied unless the rule opens it', async () => {
    const allow = { action: 'allow', targets: '10.0.0.0/8' }
    expect(await attempt('private.test', { rules: [allow] })).toMatchObject({ outcome: 'TARGET_DENIED' })
    expect(await attempt('private.test', { rules: [{ ...allow, private: true }] })).toMatchObject({
      outcome: 'OK',
    })
    expect(await attempt('10.0.0.1', { rules: [{ ...allow, private: true }] })).toMatchObject({
      outcome: 'OK',
    })
  })

  it('an allowed network under a denial of the rest is reached by its names too', async () => {
    const rules = [{ action: 'allow', targets: '198.51.99.0/24' }, { action: 'deny' }]
    expect(await attempt('office.test', { rules })).toMatchObject({ outcome: 'OK' })
    expect(await attempt('www.test', { rules })).toMatchObject({ outcome: 'ACCESS_DENIED', rule: 'rules[1]' })
  })
})

describe('through upstreams', () => {
  const upstreams = ['parent', 'backup']

  it('names are left to them, addresses are judged here', async () => {
    const rules = [{ action: 'allow', via: 'parent' }]
    for (const [host, log, outcome] of [
      ['www.test', ['parent www.test'], 'OK'],
      ['203.0.114.1', ['parent 203.0.114.1'], 'OK'],
      ['10.0.0.1', [], 'TARGET_DENIED'],
      ['::ffff:127.0.0.1', [], 'TARGET_DENIED'],
      ['localhost', [], 'TARGET_DENIED'],
      ['x.LOCALHOST.', [], 'TARGET_DENIED'],
      ['2130706433', [], 'TARGET_DENIED'],
      ['0x7f.1', [], 'TARGET_DENIED'],
      ['x.0x.', [], 'DIAL_NAME_UNKNOWN'],
      ['1.test', ['parent 1.test'], 'OK'],
    ] as const) {
      expect([host, await attempt(host, { rules, upstreams })]).toMatchObject([host, { log, outcome }])
    }
  })

  it('the default one takes what no rule sends elsewhere', async () => {
    const rules = [{ action: 'allow', names: '.test', via: 'direct' }]
    const stage = { rules, upstreams: ['default'] }
    expect((await attempt('www.test', stage)).log).toEqual(['direct 203.0.114.1 203.0.114.2'])
    expect((await attempt('www.example', stage)).log).toEqual(['default www.example'])
    expect((await attempt('www.example', { upstreams: ['default'] })).log).toEqual(['default www.example'])
  })

  it.each([
    ['DIAL_TIMEOUT', ['parent www.test', 'backup www.test', 'direct 203.0.114.1 203.0.114.2'], 'OK'],
    ['DIAL_FAILED', ['parent www.test', 'backup www.test', 'direct 203.0.114.1 203.0.114.2'], 'OK'],
    ['DIAL_REFUSED', ['parent www.test'], 'DIAL_REFUSED'],
    ['DIAL_NAME_UNKNOWN', ['parent www.test'], 'DIAL_NAME_UNKNOWN'],
    ['TARGET_DENIED', ['parent www.test'], 'TARGET_DENIED'],
    ['A_BUG', ['parent www.test'], 'A_BUG'],
  ])('the next is tried where one fails without word from the target: %s', async (code, log, outcome) => {
    const rules = [{ action: 'allow', via: ['parent', 'backup', 'direct'] }]
    const failing = { 'parent www.test': code, 'backup www.test': code }
    expect(await attempt('www.test', { rules, upstreams, failing })).toMatchObject({ log, outcome })
  })

  it('the last one has the last word', async () => {
    const rules = [{ action: 'allow', via: ['parent', 'backup'] }]
    const failing = { 'parent www.test': 'DIAL_TIMEOUT', 'backup www.test': 'DIAL_UNREACHABLE_HOST' }
    expect((await attempt('www.test', { rules, upstreams, failing })).outcome).toBe('DIAL_UNREACHABLE_HOST')
  })

  it('a name whose address decides is resolved here, and its addresses are asked for', async () => {
    const rules = [
      { name: 'lan', action: 'deny', targets: '10.0.0.0/8' },
      { action: 'allow', targets: '198.51.99.0/24', via: 'parent' },
    ]
    const to = async (host: string, more: Stage = {}) => attempt(host, { rules, upstreams, ...more })
    expect((await to('office.test')).log).toEqual(['parent 198.51.99.1'])
    expect((await to('www.test')).log).toEqual(['direct 203.0.114.1 203.0.114.2'])
    expect(await to('private.test')).toMatchObject({ outcome: 'ACCESS_DENIED', rule: 'lan', log: [] })
    expect(await to('nowhere.test')).toMatchObject({ outcome: 'DIAL_NAME_UNKNOWN', log: [] })
    // The first that is allowed says where to go, and all that lead there are tried.
    const failing = { 'parent 198.51.99.1': 'DIAL_TIMEOUT' }
    expect((await to('both.test', { failing })).log).toEqual(['parent 198.51.99.1', 'parent 198.51.99.2'])
  })

  it('a denial of addresses holds for names that would go to an upstream', async () => {
    const rules = [
      { action: 'deny', targets: '203.0.114.1' },
      { action: 'allow', via: 'parent' },
    ]
    expect((await attempt('www.test', { rules, upstreams })).log).toEqual(['parent 203.0.114.2'])
    expect((await attempt('private.test', { rules, upstreams })).outcome).toBe('TARGET_DENIED')
  })

  it('an address that the policy denies is passed over', async () => {
    const rules = [{ action: 'allow', targets: '0.0.0.0/0', via: 'parent' }]
    const failing = { 'parent 198.51.99.1': 'DIAL_TIMEOUT', 'parent 203.0.114.1': 'DIAL_TIMEOUT' }
    expect((await attempt('both.test', { rules, upstreams, failing })).log).toEqual([
      'parent 198.51.99.1',
      'parent 203.0.114.1',
      'parent 198.51.99.2',
    ])
  })

  it('a resolution that fails is told as such', async () => {
    const rules = [{ action: 'allow', targets: '::/0', via: 'parent' }]
    const failed = Object.assign(new Error('servfail'), { code: 'EAI_AGAIN' })
    const resolve = (): Promise<never> => Promise.reject(failed)
    expect((await attempt('www.test', { rules, upstreams, resolve })).outcome).toBe('DIAL_NAME_FAILED')
  })
})

it('ends with the reason of its signal', async () => {
  const left = new Error('the client left')
  const abort = new AbortController()
  const rules = [{ action: 'allow', targets: '::/0', via: 'parent' }]
  const resolve = (_host: string, signal: AbortSignal): Promise<never> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')))
    })
  const ended = attempt('www.test', { rules, upstreams: ['parent'], resolve }, abort.signal)
  abort.abort(left)
  expect((await ended).outcome).toBe(String(left))
})

it('fits the dial of @sluice/net', async () => {
  const policy = new AddressPolicy()
  const lookup = (
    _: string,
    __: unknown,
    callback: (error: null, ips: { address: string; family: number }[]) => void,
  ) => callback(null, [{ address: '127.0.0.1', family: 4 }])
  const dial = accessDial({
    access: () =>
      new Access(
        readRules([
          { name: 'mail', action: 'deny', ports: 25 },
          { name: 'loop', action: 'deny', targets: '127.0.0.0/8' },
        ]).rules,
        {
          listeners: [],
          upstreams: [],
        },
      ),
    policy,
    direct: createDial({ policy, resolver: createResolver({ lookup }) }),
  })
  const caller = {
    account: { user: userOf('ada') } as unknown as Account,
    client: { host: '::1', port: 1 },
    door: 'd',
    protocol: 'p',
  }
  await expect(dial({ host: 'x.test', port: 25 }, NEVER, caller, 'tunnel')).rejects.toMatchObject({
    rule: 'mail',
  })
  await expect(dial({ host: 'x.test', port: 80 }, NEVER, caller, 'tunnel')).rejects.toMatchObject({
    rule: 'loop',
    code: 'ACCESS_DENIED',
  })
  await expect(dial({ host: '10.0.0.1', port: 80 }, NEVER, caller, 'tunnel')).rejects.toMatchObject({
    code: 'TARGET_DENIED',
  })
})
