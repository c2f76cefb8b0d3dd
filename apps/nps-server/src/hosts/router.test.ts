import { Shaper } from '@sluice/ratelimit'
import { describe, expect, test } from 'vitest'
import type { HostRecord } from '../records.ts'
import { LiveClient, LiveHost } from '../registry.ts'
import { HostRouter, type Wanted } from './router.ts'

const shaper = new Shaper()
const clientOf = (fields: object = {}): LiveClient =>
  new LiveClient(
    {
      ...{ id: 1, remark: '', enabled: true, limits: {}, createdAt: 0, crypt: false, compress: false },
      ...{ selection: 'primary', mayConfigure: false },
      ...fields,
    },
    shaper,
    () => {},
  )

let lastId = 0
const host = (name: string, fields: Partial<HostRecord> = {}, client = clientOf()): LiveHost => {
  lastId += 1
  const record: HostRecord = {
    ...{ id: lastId, remark: '', enabled: true, limits: {}, createdAt: 0, clientId: 1, host: name },
    ...{ location: '/', scheme: 'all', targets: [], balance: 'roundRobin', headers: [] },
    ...{ passThrough: false, autoHttps: false, autoCert: false },
    ...fields,
  }
  return new LiveHost(record, client, shaper, () => {})
}

/** What is found: the host and its location. */
const find = (hosts: LiveHost[], wanted: Partial<Wanted>, now = 0): string | undefined => {
  const found = new HostRouter(hosts).find({ host: 'a.example', path: '/', scheme: 'http', ...wanted }, now)
  return found && `${found.record.host}${found.record.location}`
}

describe('by name', () => {
  const hosts = ['*.example', 'a.example', '*.b.example', '[2001:db8::1]', 'Big.Example.'].map((name) =>
    host(name),
  )

  test.each([
    ['a.example', 'a.example/'],
    ['x.example', '*.example/'],
    ['x.y.example', '*.example/'],
    ['x.b.example', '*.b.example/'],
    ['x.y.b.example', '*.b.example/'],
    ['b.example', '*.example/'],
    ['x.a.example', '*.example/'],
    ['example', undefined],
    ['evilexample', undefined],
    ['a.example.evil', undefined],
    ['.example', undefined],
    ['', undefined],
    ['2001:db8::1', '[2001:db8::1]/'],
    ['big.example', 'Big.Example./'],
  ])('%s is %s', (name, found) => {
    expect(find(hosts, { host: name })).toBe(found)
  })
})

describe('by location', () => {
  const hosts = ['/', '/api', '/api/v2/', '/apix'].map((location) => host('a.example', { location }))

  test.each([
    ['/', '/'],
    ['/ap', '/'],
    ['/api', '/api'],
    ['/api?x=/api/v2/', '/api'],
    ['/api/x', '/api'],
    ['/api/v2', '/api/v2/'],
    ['/api/v2/x', '/api/v2/'],
    ['/api/v20', '/api'],
    ['/apix', '/apix'],
    ['/apixy', '/'],
    ['/API', '/'],
    ['/api/../x', '/'],
    ['/x/../api', '/api'],
    ['/%61pi', '/api'],
    ['*', '/'],
  ])('%s is at %s', (path, location) => {
    expect(find(hosts, { path })).toBe(`a.example${location}`)
  })

  test('a name itself comes before a longer location of a wildcard', () => {
    const both = [host('*.example', { location: '/api' }), host('a.example')]
    expect(find(both, { path: '/api' })).toBe('a.example/')
  })

  test('where the name has none that fits, a wildcard may', () => {
    expect(find([host('*.example'), host('a.example', { location: '/api' })], {})).toBe('*.example/')
  })
})

describe('by scheme', () => {
  test('http and https may have hosts of their own', () => {
    const hosts = [
      host('a.example', { scheme: 'https', location: '/s' }),
      host('a.example', { scheme: 'http', location: '/p' }),
    ]
    expect(find(hosts, { path: '/s' })).toBeUndefined()
    expect(find(hosts, { path: '/s', scheme: 'https' })).toBe('a.example/s')
    expect(find(hosts, { path: '/p' })).toBe('a.example/p')
  })

  test('one whose TLS goes through gets nothing that has come out of TLS', () => {
    const hosts = [host('a.example', { passThrough: true })]
    expect(find(hosts, { scheme: 'https' })).toBeUndefined()
    expect(find(hosts, { scheme: 'http' })).toBe('a.example/')
  })
})

describe('who is not there', () => {
  test.each([
    ['a disabled host', [host('a.example', { enabled: false })]],
    ['an expired host', [host('a.example', { expiresAt: 10 })]],
    ['a host of a disabled client', [host('a.example', {}, clientOf({ enabled: false }))]],
    ['a host of an expired client', [host('a.example', {}, clientOf({ expiresAt: 10 }))]],
  ])('%s', (_, hosts) => {
    expect(find(hosts, {}, 10)).toBeUndefined()
  })

  test('leaves its place to who comes next', () => {
    expect(find([host('*.example'), host('a.example', { enabled: false })], {})).toBe('*.example/')
    expect(
      find([host('a.example'), host('a.example', { location: '/x', enabled: false })], { path: '/x' }),
    ).toBe('a.example/')
  })
})

test('a name in TLS may stand for all of them, the nearest first', () => {
  const hosts = [
    host('*.example'),
    host('a.example', { scheme: 'http' }),
    host('a.example', { location: '/x' }),
    host('*.other'),
  ]
  const names = Array.from(new HostRouter(hosts).named('a.example', 0), ({ record }) => record.host)
  expect(names).toEqual(['a.example', '*.example'])
})
