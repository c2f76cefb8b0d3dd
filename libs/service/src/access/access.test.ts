import { AddressPolicy, contains, parseNetwork, plainIp } from '@sluice/net'
import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { Access } from './access.ts'
import { CompiledRule } from './compiled-rule.ts'
import type { Subject } from './facts.ts'
import type { Rule } from './rule.ts'
import { readRules } from './rule-reader.ts'

const KNOWN = { listeners: ['http', 'socks'], upstreams: ['parent', 'office'] }
const FRIDAY_NOON = Date.parse('2026-11-20T12:00:00Z')

const accessTo = (written: readonly object[], now = FRIDAY_NOON): Access => {
  const { rules, problems } = readRules(written)
  expect(problems).toEqual([])
  return new Access(rules, { ...KNOWN, now: () => now })
}

const ADA: Subject = {
  listener: 'socks',
  user: 'ada',
  groups: ['staff', 'night'],
  client: '192.0.2.7',
  protocol: 'socks5',
  host: 'www.example.com',
  port: 443,
}

describe('one condition', () => {
  it.each<[conditions: object, subject: Partial<Subject>, matches: boolean]>([
    [{}, {}, true],
    [{ listeners: 'socks' }, {}, true],
    [{ listeners: 'http' }, {}, false],
    [{ users: ['bob', 'ada'] }, {}, true],
    [{ users: 'bob' }, {}, false],
    [{ users: 'ada' }, { user: 'Ada' }, false],
    [{ groups: ['day', 'night'] }, {}, true],
    [{ groups: 'day' }, {}, false],
    [{ groups: 'day' }, { groups: [] }, false],
    [{ clients: '192.0.2.0/24' }, {}, true],
    [{ clients: '192.0.2.0/24' }, { client: '::ffff:192.0.2.7' }, true],
    [{ clients: '192.0.2.0/24' }, { client: '192.0.3.7' }, false],
    [{ clients: '::/0' }, {}, false],
    [{ names: '.example.com' }, {}, true],
    [{ names: '.example.com' }, { host: 'EXAMPLE.COM.' }, true],
    [{ names: 'example.com' }, {}, false],
    [{ names: '.com' }, { host: '203.0.113.1' }, false],
    [{ regex: '^www\\.EX.*\\.com$' }, {}, true],
    [{ regex: ['nothing', 'ample'] }, {}, true],
    [{ regex: '^example' }, {}, false],
    [{ regex: '^example\\.com$' }, { host: 'EXAMPLE.com.' }, true],
    [{ regex: '^[0-9.]+$' }, { host: '203.0.113.1' }, false],
    [{ regex: 'example', names: '.com' }, {}, true],
    [{ regex: 'example', names: '.org' }, {}, false],
    [{ ports: 443 }, {}, true],
    [{ ports: '400-500' }, {}, true],
    [{ ports: [80, '444-500'] }, {}, false],
    [{ ports: ['8000-8999', 25] }, { port: 8999 }, true],
    [{ ports: ['8000-8999', 25] }, { port: 9000 }, false],
    [{ protocols: ['socks4', 'socks5'] }, {}, true],
    [{ protocols: 'connect' }, {}, false],
    [{ times: { days: 'fri', from: '11:00', to: '13:00' } }, {}, true],
    [{ times: { days: 'fri', from: '13:00' } }, {}, false],
    [{ times: { from: '13:00', to: '14:00', zone: 'Europe/Berlin' } }, {}, true],
    [{ targets: '203.0.113.0/24' }, { host: '203.0.113.9' }, true],
    [{ targets: '203.0.113.0/24' }, { host: '::ffff:203.0.113.9' }, true],
    [{ targets: '203.0.113.0/24' }, { host: '203.0.114.9' }, false],
    [{ users: 'ada', ports: 443 }, {}, true],
    [{ users: 'ada', ports: 80 }, {}, false],
    [{ users: 'ada', groups: 'day' }, {}, false],
  ])('%j of %j: %s', (conditions, subject, matches) => {
    const access = accessTo([{ action: 'deny', ...conditions }])
    expect(access.check({ ...ADA, ...subject })).toEqual({
      allow: !matches,
      rule: matches ? 'rules[0]' : undefined,
      private: false,
      via: ['direct'],
      depends: false,
    })
  })
})

describe('several rules', () => {
  const access = accessTo([
    { name: 'boss', action: 'allow', users: 'eve', via: 'office' },
    { name: 'mail', action: 'deny', ports: 25 },
    { name: 'ads', action: 'deny', names: '.ads.test' },
    { name: 'night', action: 'allow', groups: 'night', via: ['parent', 'direct'] },
    { name: 'rest', action: 'deny' },
  ])

  it.each<[subject: Partial<Subject>, rule: string, allow: boolean, via: string[]]>([
    [{}, 'night', true, ['parent', 'direct']],
    [{ port: 25 }, 'mail', false, ['direct']],
    [{ port: 25, user: 'eve' }, 'boss', true, ['office']],
    [{ host: 'x.ads.test' }, 'ads', false, ['direct']],
    [{ host: 'x.ads.test', user: 'eve' }, 'boss', true, ['office']],
    [{ groups: ['staff'] }, 'rest', false, ['direct']],
    [{ groups: [] }, 'rest', false, ['direct']],
  ])('the first that matches decides: %j by %s', (subject, rule, allow, via) => {
    expect(access.check({ ...ADA, ...subject })).toMatchObject({ rule, allow, via, depends: false })
    expect(access.route({ ...ADA, ...subject }).via).toEqual(via)
  })

  it('where none matches it is allowed, and goes direct, or to the upstream that is named default', () => {
    const rules = [{ action: 'deny', ports: [25] }] as never
    expect(accessTo([]).check(ADA)).toMatchObject({ allow: true, via: ['direct'] })
    expect(accessTo([]).isPlain).toBe(true)
    const routed = new Access([], { listeners: [], upstreams: ['default'] })
    expect(routed.check(ADA)).toMatchObject({ allow: true, rule: undefined, via: ['default'] })
    expect(routed.isPlain).toBe(false)
    const both = accessTo(rules)
    expect([both.isPlain, both.check(ADA).allow]).toEqual([false, true])
  })
})

describe('rules about the address of a name', () => {
  const access = accessTo([
    { name: 'partner', action: 'allow', targets: '198.51.100.0/24', names: '.example.com' },
    { name: 'others', action: 'deny', targets: ['198.51.100.0/24', '203.0.113.0/24'] },
    { name: 'web', action: 'allow', ports: 443 },
    { name: 'rest', action: 'deny' },
  ])

  it('are left open before it is resolved, and judged for each address in order', () => {
    expect(access.check(ADA)).toMatchObject({ rule: 'web', depends: true })
    const of = (host: string, ip: string): string | undefined =>
      access.checkAddress({ ...ADA, host }, ip).rule
    expect(of('www.example.com', '198.51.100.1')).toBe('partner')
    expect(of('www.example.org', '198.51.100.1')).toBe('others')
    expect(of('www.example.com', '203.0.113.1')).toBe('others')
    expect(of('www.example.com', '192.0.2.1')).toBe('web')
    expect(access.checkAddress({ ...ADA, port: 80 }, '192.0.2.1').rule).toBe('rest')
    expect(access.checkAddress(ADA, '192.0.2.1', 80).rule).toBe('rest')
  })

  it('leave nothing open where a rule before them decides, or none of theirs could', () => {
    const late = accessTo([
      { name: 'all', action: 'deny', users: 'ada' },
      { action: 'deny', targets: '::/0', users: 'bob', ports: 80 },
    ])
    expect(late.check(ADA)).toMatchObject({ rule: 'all', depends: false })
    expect(late.check({ ...ADA, user: 'bob' }).depends).toBe(false)
    expect(late.check({ ...ADA, user: 'bob', port: 80 }).depends).toBe(true)
    expect(late.check({ ...ADA, user: 'bob', port: 80, host: '192.0.2.1' }).depends).toBe(false)
  })
})

describe('policyFor', () => {
  const own = [{ host: '127.0.0.1', port: 9102 }]
  const policy = new AddressPolicy(['10.9.0.0/16'], () => own)
  const access = accessTo([
    { name: 'lab', action: 'allow', groups: 'night', targets: ['10.1.0.0/16', '127.0.0.0/8'], private: true },
    { name: 'printer', action: 'deny', targets: '10.9.0.9' },
    { name: 'far', action: 'allow', targets: '203.0.113.0/24', via: 'parent' },
    { name: 'either', action: 'allow', ports: 8080, via: ['parent', 'direct'] },
  ])

  it.each([
    ['198.51.99.1', 80, 'admitted'],
    ['10.1.2.3', 80, 'admitted'],
    ['127.0.0.1', 80, 'admitted'],
    ['127.0.0.1', 9102, 'TARGET_DENIED'],
    ['10.2.0.1', 80, 'TARGET_DENIED'],
    ['10.9.0.1', 80, 'admitted'],
    ['10.9.0.9', 80, 'ACCESS_DENIED printer'],
    ['203.0.113.1', 80, 'ACCESS_DENIED far'],
    ['8.8.8.8', 8080, 'admitted'],
    ['nonsense', 80, 'TARGET_DENIED'],
  ])('%s port %i: %s', (ip, port, outcome) => {
    let told = 'admitted'
    try {
      access.policyFor(ADA, policy).check(ip, port)
    } catch (error) {
      const { code, rule } = error as { code: string; rule?: string }
      told = rule === undefined ? code : `${code} ${rule}`
    }
    expect(told).toBe(outcome)
  })

  it('denies what would go through an upstream by default', () => {
    const routed = new Access([], { listeners: [], upstreams: ['default'] })
    expect(() => routed.policyFor(ADA, policy).check('8.8.8.8', 53)).toThrow(
      expect.objectContaining({
        code: 'ACCESS_DENIED',
        rule: undefined,
        message: 'ada to www.example.com:443 goes through default, which this cannot',
      }),
    )
  })

  it('denies a name before it is resolved where no address could change that', () => {
    const rules = [
      { name: 'net', action: 'deny', targets: '198.51.100.0/24', ports: 80 },
      { name: 'ads', action: 'deny', names: '.ads.test' },
      { name: 'far', action: 'allow', names: 'far.test', via: 'parent' },
    ]
    const told = (subject: Partial<Subject>): unknown => {
      try {
        accessTo(rules).checkDirect({ ...ADA, ...subject })
        return undefined
      } catch (error) {
        return (error as { rule?: unknown }).rule
      }
    }
    expect(told({ host: 'x.ads.test' })).toBe('ads')
    expect(told({ host: 'far.test' })).toBe('far')
    expect(told({ host: 'x.ads.test', port: 80 })).toBeUndefined()
    expect(told({ host: '198.51.100.1', port: 80 })).toBe('net')
    expect(told({})).toBeUndefined()
  })

  it('opens nothing for whom the rule is not about', () => {
    expect(() => access.policyFor({ ...ADA, groups: [] }, policy).check('10.1.2.3', 80)).toThrow(
      'may not be dialled',
    )
  })
})

it('refuses names that do not exist', () => {
  expect(() =>
    accessTo([
      { action: 'allow', via: 'ofice' },
      { action: 'deny', listeners: 'sock' },
    ]),
  ).toThrow(
    'rules[0].via: "ofice" is no upstream, did you mean office?; rules[1].listeners: "sock" is no listener, did you mean socks?',
  )
})

describe('the index', () => {
  /** The rules as they read, one after the other. */
  const naive = (
    rules: readonly (Omit<Rule, 'targets'> & { targets?: Rule['targets'] | undefined })[],
    subject: Subject,
    ip: string | undefined,
  ): number => {
    const holds = <T>(values: readonly T[] | undefined, test: (value: T) => boolean): boolean =>
      values === undefined || values.some(test)
    const inNetwork = (text: string | undefined) => (cidr: string) =>
      text !== undefined && contains(parseNetwork(cidr), plainIp(text)!)
    const isNamed = (pattern: string): boolean =>
      plainIp(subject.host) === undefined &&
      (pattern === subject.host || (pattern.startsWith('.') && `.${subject.host}`.endsWith(pattern)))
    return rules.findIndex(
      (rule) =>
        holds(rule.users, (user) => user === subject.user) &&
        holds(rule.groups, (group) => subject.groups.includes(group)) &&
        holds(rule.clients, inNetwork(subject.client)) &&
        holds(rule.names, isNamed) &&
        holds(rule.ports, ([from, to]) => from <= subject.port && subject.port <= to) &&
        holds(rule.targets, inNetwork(ip)),
    )
  }

  const few = <T>(...values: T[]): fc.Arbitrary<T[]> =>
    fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 })
  const networks = few(
    '10.0.0.0/8',
    '10.1.0.0/16',
    '10.1.1.1/32',
    '0.0.0.0/0',
    'fd00::/8',
    '::/0',
    '11.0.0.0/8',
  )
  const conditions = {
    users: few('ada', 'bob'),
    groups: few('a', 'b', 'c'),
    clients: networks,
    targets: networks,
    names: few('x.test', '.x.test', '.test', 'y.x.test', 'z'),
    ports: few<[number, number]>([80, 80], [1, 100], [443, 500]),
  }
  const action = fc.constantFrom('allow' as const, 'deny' as const)
  // One condition or two, since a rule with more hardly ever matches, and one with none always does.
  const keys = fc.subarray(Object.keys(conditions) as (keyof typeof conditions)[], {
    minLength: 1,
    maxLength: 2,
  })
  const rule: fc.Arbitrary<Rule> = keys.chain((chosen) =>
    fc.record({ action, ...Object.fromEntries(chosen.map((key) => [key, conditions[key]])) }),
  )
  const ips = fc.constantFrom(
    '10.1.1.1',
    '10.1.9.9',
    '10.9.9.9',
    '11.1.1.1',
    '12.1.1.1',
    'fd00::1',
    'fe00::1',
  )
  const subject: fc.Arbitrary<Subject> = fc.record({
    listener: fc.constant('http'),
    protocol: fc.constant('connect'),
    user: fc.constantFrom('ada', 'bob', 'eve'),
    groups: fc.subarray(['a', 'b', 'c', 'd']),
    client: ips,
    host: fc.oneof(ips, fc.constantFrom('x.test', 'y.x.test', 'w.y.x.test', 'test', 'z', 'q')),
    port: fc.constantFrom(80, 99, 443, 9000),
  })

  it('finds what a look at each rule finds', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 40 }), subject, ips, (rules, who, ip) => {
        const access = new Access(rules, KNOWN)
        const nth = (index: number): string | undefined => (index < 0 ? undefined : `rules[${index}]`)
        const isLiteral = plainIp(who.host) !== undefined
        expect(access.checkAddress(who, ip).rule).toBe(nth(naive(rules, who, ip)))
        const { rule: early, depends } = access.check(who)
        expect(early).toBe(nth(naive(rules, who, isLiteral ? who.host : undefined)))
        // With its targets left out a rule matches whatever the address is.
        const open = naive(
          rules.map((each) => ({ ...each, targets: undefined })),
          who,
          undefined,
        )
        expect(depends).toBe(!isLiteral && nth(open) !== early)
      }),
      { numRuns: 2000 },
    )
  })

  it('looks at few of many rules', () => {
    const matches = vi.spyOn(CompiledRule.prototype, 'matches')
    const many = Array.from({ length: 10_000 }, (_, i): Rule => {
      const at = `${i >> 8}.${i & 255}`
      const each = [
        { names: [`.n${i}.test`] },
        { users: [`u${i}`] },
        { targets: [`11.${at}.0/24`] },
        { groups: [at] },
      ]
      return { action: 'deny', ...each[i % 4] }
    })
    const access = new Access(many, KNOWN)
    for (const [subject, rule] of [
      [{ host: 'www.n4000.test' }, 'rules[4000]'],
      [{ user: 'u9001' }, 'rules[9001]'],
      [{ host: `11.${9002 >> 8}.${9002 & 255}.7` }, 'rules[9002]'],
      [{ groups: [`${9003 >> 8}.${9003 & 255}`] }, 'rules[9003]'],
      [{}, undefined],
    ] as const) {
      expect(access.check({ ...ADA, ...subject }).rule).toBe(rule)
    }
    expect(matches.mock.calls.length).toBeLessThan(20)
    matches.mockRestore()
  })
})
