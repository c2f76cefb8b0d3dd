import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readRules, unknownNames } from './rule-reader.ts'

const problems = (...rules: unknown[]): readonly string[] => readRules(rules).problems
const problem = (rule: object): readonly string[] => problems({ action: 'allow', ...rule })

it('reads a rule with everything, a single value standing for a list of one', () => {
  const rule = {
    name: 'office',
    action: 'allow',
    listeners: ['socks', 'http'],
    users: 'ada',
    groups: ['staff'],
    clients: ['192.0.2.0/24', '2001:db8::/32', '198.51.100.7'],
    targets: '10.1.0.0/16',
    names: ['example.com', '.example.org', '*.example.net'],
    regex: ['^ads?[0-9]*\\.', 'tracker'],
    ports: [80, '443', '8000-8999'],
    protocols: ['socks5', 'connect'],
    times: { days: ['mon', 'tue'], from: '09:00', to: '17:30', zone: 'Europe/Berlin' },
    private: true,
    via: ['parent', 'direct'],
  }
  const read = readRules([rule, { action: 'deny' }])
  expect(read.problems).toEqual([])
  expect(read.rules).toEqual([
    {
      ...rule,
      users: ['ada'],
      targets: ['10.1.0.0/16'],
      ports: [
        [80, 80],
        [443, 443],
        [8000, 8999],
      ],
      times: [{ days: [1, 2], from: 540, to: 1050, zone: 'Europe/Berlin' }],
    },
    { action: 'deny' },
  ])
})

describe('what is refused, and how it is told', () => {
  it.each([
    [{ port: 25 }, '[0].port: unknown key, did you mean ports?'],
    [{ whatever: 1 }, /^\[0\]\.whatever: unknown key, wanted one of name, action, listeners, users, /],
    [{ action: 'drop' }, '[0].action: "drop" is not one of allow, deny'],
    [{ ports: 0 }, '[0].ports: 0 is not a port or a range of ports, such as 443 or "8000-8999"'],
    [
      { ports: [80, '90-80'] },
      '[0].ports[1]: "90-80" is not a port or a range of ports, such as 443 or "8000-8999"',
    ],
    [
      { ports: '1-65536' },
      '[0].ports: "1-65536" is not a port or a range of ports, such as 443 or "8000-8999"',
    ],
    [
      { clients: '10.0.0.0/33' },
      '[0].clients: "10.0.0.0/33" is not a network, such as 10.0.0.0/8 or fd00::/8',
    ],
    [
      { targets: 'example.com' },
      '[0].targets: "example.com" is not a network, such as 10.0.0.0/8 or fd00::/8',
    ],
    [
      { names: '10.0.0.1' },
      '[0].names: "10.0.0.1" is not a name, such as example.com, .example.com or *.example.com',
    ],
    [
      { regex: '*.example.com' },
      '[0].regex: "*.example.com" is not a regular expression: missing argument to repetition operator: `*`',
    ],
    [{ regex: ['ok', '(a'] }, '[0].regex[1]: "(a" is not a regular expression: missing closing ): `(a`'],
    [
      { regex: '(?=a)' },
      '[0].regex: "(?=a)" is not a regular expression: invalid or unsupported Perl syntax: `(?=`',
    ],
    [
      { regex: '(a)\\1' },
      '[0].regex: "(a)\\\\1" is not a regular expression: invalid escape sequence: `\\1`',
    ],
    [{ regex: '' }, '[0].regex: "" is not a regular expression: it is empty'],
    [{ regex: 25 }, '[0].regex: 25 is not a regular expression: wanted a text'],
    [
      { regex: 'a'.repeat(257) },
      /^\[0\]\.regex: "a{79} is not a regular expression: more than 256 characters$/,
    ],
    [{ regex: '(?:a{100}){11}' }, /: invalid repeat count: `\{11\}`$/],
    [{ users: [] }, '[0].users: empty, wanted at least one value, or no users'],
    [{ users: 7 }, '[0].users: 7 is not the name of a user'],
    [{ groups: null }, '[0].groups: null is not the name of a group'],
    [
      { protocols: 'socks' },
      '[0].protocols: "socks" is not one of socks5, socks4, connect, http, udp, bind, ss',
    ],
    [{ times: { from: 'noon' } }, '[0].times.from: "noon" is not a time of day, such as "09:30"'],
    [{ private: true }, '[0].private: wants targets, the networks that it opens'],
    [{ private: 'yes', targets: '10.0.0.0/8' }, '[0].private: "yes" is not true or false'],
    [
      { action: 'deny', private: true, targets: '::/0' },
      '[0].private: only a rule with "action: allow" has it',
    ],
    [{ action: 'deny', via: 'direct' }, '[0].via: only a rule with "action: allow" has it'],
    [{ via: Array.from({ length: 9 }, () => 'direct') }, '[0].via: more than 8 names'],
    [{ name: '' }, '[0].name: "" is not a text of 1 to 64 characters'],
    [{ users: 'x'.repeat(70_000) }, /^\[0\]\.users: "x{79} is not the name of a user$/],
  ])('%j', (rule, told) => {
    const [only = '', ...more] = problem(rule)
    if (typeof told === 'string') expect(only).toBe(told)
    else expect(only).toMatch(told)
    expect(more).toEqual([])
  })

  it('no list, no object, no action, too many', () => {
    expect(readRules({ action: 'deny' }).problems).toEqual([': wanted a list of rules'])
    expect(problems('deny')).toEqual(['[0]: "deny" is not a rule, such as { action: deny, ports: [25] }'])
    expect(problems({ ports: 25 })).toEqual(['[0].action: missing, wanted one of allow, deny'])
    expect(problems(...Array.from({ length: 10_001 }, () => ({ action: 'deny' })))).toEqual([
      ': more than 10000 rules',
    ])
  })

  it('all at once, but no more than anyone reads', () => {
    expect(problems({ action: 'deny', port: 1 }, { action: 'deny' }, { action: 'no', users: ' ' })).toEqual([
      '[0].port: unknown key, did you mean ports?',
      '[2].action: "no" is not one of allow, deny',
      '[2].users: " " is not the name of a user',
    ])
    const many = problems(...Array.from({ length: 50 }, () => ({ action: 'deny', port: 1 })))
    expect([many.length, many.at(-1)]).toEqual([21, ': and 30 more'])
  })

  it('regular expressions that are too large together, where they become so', () => {
    const rules = Array.from({ length: 9 }, (_, i) => ({ action: 'deny', regex: ['same', `a{240}${i}`] }))
    expect(problems(...rules.slice(0, 8))).toEqual([])
    expect(problems(...rules)).toEqual([
      '[8].regex: with "a{240}8" the regular expressions of all rules are too large',
    ])
    expect(problems(...Array.from({ length: 1000 }, () => rules[0]))).toEqual([])
  })

  it('a name that two rules have', () => {
    const mail = { name: 'mail', action: 'deny' }
    expect(problems(mail, { action: 'allow' }, mail)).toEqual(['[2].name: "mail" is the name of [0] already'])
  })

  it('listeners and upstreams that do not exist', () => {
    const { rules } = readRules([
      { action: 'allow', via: ['direct', 'parrent'] },
      { action: 'deny', listeners: ['http', 'sock', 'quic'] },
    ])
    expect(unknownNames(rules, { listeners: ['http', 'socks'], upstreams: ['parent'] })).toEqual([
      '[0].via: "parrent" is no upstream, did you mean parent?',
      '[1].listeners: "sock" is no listener, did you mean socks?',
      '[1].listeners: "quic" is no listener, wanted one of http, socks',
    ])
  })
})

it('gives rules or problems, whatever comes', () => {
  const keys = fc.constantFrom(
    'action',
    'users',
    'clients',
    'names',
    'regex',
    'ports',
    'times',
    'private',
    'via',
    '__proto__',
  )
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom('allow', 'deny', '80', '.a', '10.0.0.0/8'))
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.oneof(keys, fc.string()), value)), (written) => {
      const { rules, problems: told } = readRules(written)
      if (told.length === 0) expect(rules).toHaveLength(written.length)
      for (const each of told) expect(each).toMatch(/^(?:\[\d+\]|: and )/)
    }),
  )
})
