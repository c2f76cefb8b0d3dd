import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { baseSchema, loadConfig } from './config.ts'
import { printConfig } from './config-text.ts'
import { dnsSchema } from './dns-config.ts'
import { upstreamGroups, upstreamNames, upstreamSchema, usualUpstream } from './upstream-config.ts'

const schema = baseSchema().extend(dnsSchema.shape).extend(upstreamSchema.shape)
const load = (file: string, ...argv: string[]) =>
  loadConfig(schema, { argv: ['--config', 's.yaml', ...argv], env: {}, readFile: () => file })

const CHECK = { failures: 3, timeoutMs: 4000, retryMs: 1000, retryMaxMs: 60_000 }

/** The groups, each member as its hops and weight. */
const shown = (file: string, ...argv: string[]): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(upstreamGroups(load(file, ...argv).config)).map(([name, { members, balance, check }]) => [
      name,
      [balance, members.map(({ hops, weight }) => [...hops.map(({ label }) => label), weight]), check],
    ]),
  )

const FILE = `
upstreams:
  office: { url: 'http://ada:s%40cret@office.example:3128' }
  far:
    chain: ['socks5://bob:hidden@a:1080', https://b]
    check: { failures: 1, timeout: 500ms, retry: 2, retry-max: 2m }
  pool:
    balance: first
    members:
      - { url: socks5://1.2.3.4, weight: 3 }
      - { chain: [socks5://h:1, http://h:2] }
`

describe('upstreams', () => {
  it('are a proxy, a chain, or members', () => {
    expect(shown(FILE)).toEqual({
      office: ['roundrobin', [['http://office.example:3128', 1]], CHECK],
      far: [
        'roundrobin',
        [['socks5://a:1080', 'https://b:443', 1]],
        { failures: 1, timeoutMs: 500, retryMs: 2000, retryMaxMs: 120_000 },
      ],
      pool: [
        'first',
        [
          ['socks5://1.2.3.4:1080', 3],
          ['socks5://h:1', 'http://h:2', 1],
        ],
        CHECK,
      ],
    })
    expect(upstreamNames(load(FILE).config)).toEqual(['direct', 'office', 'far', 'pool'])
    expect([usualUpstream(load(FILE).config), usualUpstream({})]).toEqual(['direct', 'direct'])
  })

  it('as a flag are one called default, in their order, whatever the file calls so', () => {
    const file = `${FILE}  default: { url: 'http://other:1' }\n`
    const flags = ['--upstream', 'http://a:1,socks5://b', '--upstream', 'https://c']
    expect(shown(file)['default']).toEqual(['roundrobin', [['http://other:1', 1]], CHECK])
    expect(shown(file, ...flags)['default']).toEqual([
      'first',
      [
        ['http://a:1', 1],
        ['socks5://b:1080', 1],
        ['https://c:443', 1],
      ],
      CHECK,
    ])
    expect([file, ''].map((each) => usualUpstream(load(each, ...flags).config))).toEqual([
      'default',
      'default',
    ])
    expect(usualUpstream(load(file).config)).toBe('default')
  })

  it('are printed without their passwords, in a form that can be read again', () => {
    const loaded = load(FILE, '--upstream', 'http://eve:secret@a:1,socks5://b')
    const text = printConfig(schema, loaded)
    expect(text).not.toMatch(/s%40cret|hidden|secret/)
    expect(text).toContain('upstream: "http://eve:***@a:1,socks5://b" # --upstream\n')
    expect(text).toContain('"http://ada:***@office.example:3128"')
    expect(text).toContain('["socks5://bob:***@a:1080","https://b"]')
    expect(shown(text)['far']).toEqual(shown(FILE)['far'])
  })

  it('are printed without a password that holds a comma', () => {
    const file = 'upstream: ["http://eve:sec,ret@a:1"]\nupstreams: { b: { url: "socks5://bob:sec,ret@b:1" } }'
    const text = printConfig(schema, load(file))
    expect(text).toContain('upstream: ["http://eve:***@a:1"]')
    expect(text).toContain('"socks5://bob:***@b:1"')
    expect(text).not.toMatch(/sec,|,ret/)
  })

  it.each([
    [
      'upstreams: { a: { url: "http://u:secret@" } }',
      's.yaml: upstreams.a.url: wanted the URL of a proxy, such as socks5://user:password@host:1080',
    ],
    ['upstreams: { a: {} }', 's.yaml: upstreams.a: wanted one of url, chain and members'],
    [
      'upstreams: { a: { url: http://h:1, chain: [http://h:1] } }',
      's.yaml: upstreams.a: wanted one of url, chain and members',
    ],
    [
      'upstreams: { a: { members: [{ weight: 1 }] } }',
      's.yaml: upstreams.a.members.0: wanted either url or chain',
    ],
    [
      'upstreams: { a: { members: [{ url: http://h:1, weight: 0 }] } }',
      's.yaml: upstreams.a.members.0.weight: wanted a whole number from 1 to 1000',
    ],
    ['upstreams: { a: { url: http://h:1, wieght: 1 } }', 's.yaml: upstreams.a: unknown key wieght'],
    ['upstreams: { a: { url: http://h:1, "u:secret@": 1 } }', 's.yaml: upstreams.a: unknown key ***'],
    [
      'upstreams: { "http://u:secret@h": { url: http://h:1 } }',
      's.yaml: upstreams.***: wanted a name of up to 64 letters, digits, dots, dashes and underscores, and not direct',
    ],
    [
      'upstreams: { direct: { url: http://h:1 } }',
      's.yaml: upstreams.direct: wanted a name of up to 64 letters, digits, dots, dashes and underscores, and not direct',
    ],
    [
      'upstreams: [http://u:secret@h:1]',
      's.yaml: upstreams: *** is not upstreams by their names, each with url, chain or members',
    ],
    [
      'upstream: ftp://u:secret@h',
      's.yaml: upstream.0: wanted the URL of a proxy, such as socks5://user:password@host:1080',
    ],
  ])('%s', (file, message) => {
    const problem = (): unknown => load(file)
    expect(problem).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', message }))
  })

  it('are 64 at the most', () => {
    const names = Array.from({ length: 65 }, (_, n) => `n${n}: { url: http://h:1 }`)
    expect(() => load(`upstreams: { ${names.join(', ')} }`)).toThrow(
      'upstreams: *** is not upstreams by their names',
    )
  })

  it('can not be given as a flag or in the environment', () => {
    expect(() => load('', '--upstreams', '{}')).toThrow('unknown flag')
    const env = { SLUICE_UPSTREAMS: '{}' }
    expect(loadConfig(schema, { argv: [], env }).config.upstreams).toEqual({})
  })
})

describe('dns', () => {
  const dns = (written: unknown): unknown => z.safeParse(dnsSchema, { dns: written }).data?.dns

  it.each([
    ['9.9.9.9', ['9.9.9.9']],
    ['9.9.9.9:5353, 2620:fe::fe', ['9.9.9.9:5353', '2620:fe::fe']],
    [['[2620:FE::fe]:53'], ['[2620:fe::fe]:53']],
    [undefined, undefined],
  ])('%j', (written, servers) => {
    expect(dns(written)).toEqual(servers)
  })

  it.each([
    '',
    'dns.example',
    'dns.example:53',
    '9.9.9.9:0',
    '9.9.9.9:x',
    '1.1.1.1,',
    Array(9).fill('1.1.1.1'),
  ])('refused: %j', (written) => {
    expect(z.safeParse(dnsSchema, { dns: written }).success).toBe(false)
  })

  it('is the system, for both families as they come', () => {
    expect(load('').config).toMatchObject({ dnsPrefer: 'none', upstreams: {} })
    expect(load('', '--dns-prefer', 'ipv6', '--dns-only', 'ipv4').config).toMatchObject({
      dnsPrefer: 'ipv6',
      dnsOnly: 'ipv4',
    })
  })
})
