import { loadConfig } from '@sluice/service'
import { describe, expect, it } from 'vitest'
import { type HttpsProxyConfig, schema } from './config.ts'

const load = (...argv: string[]): HttpsProxyConfig => loadConfig(schema, { argv, env: {} }).config

const NONE = [
  ...(['userRequests', 'userRequestRate', 'addressRequestRate', 'originConnections', 'shedMs'] as const),
  ...(['maxRequestBytes', 'maxResponseBytes', 'cache', 'otlp'] as const),
]

describe('the settings', () => {
  it('have what was asked for', () => {
    const argv = ['--user-request-rate', '600/min', '--address-request-rate', '5', '--otlp', 'http://a:1/x']
    expect(load(...argv, '--insecure-origin', 'A.example,[::1]', '--connect-timeout', '3')).toMatchObject({
      ...{ userRequestRate: 10, addressRequestRate: 5, otlp: new URL('http://a:1/x'), dialMs: 3000 },
      insecureOrigin: ['a.example', '::1'],
    })
  })

  it('let 200 clients of one origin meet no limit but the seven of the command line', () => {
    const { open, allowClient, coalesce, ...config } = load()
    expect([open, allowClient, coalesce]).toEqual([false, [], false])
    for (const key of NONE) expect(config[key]).toBeUndefined()
  })

  it.each([
    ['64MiB', { bytes: 64 * 1024 * 1024 }],
    ['1.5MB', { bytes: 1_500_000 }],
    ['cache.db', { file: 'cache.db' }],
    ['/var/cache/64MiB', { file: '/var/cache/64MiB' }],
  ])('keep answers in %s', (written, place) => {
    expect(load('--cache', written).cache).toEqual(place)
  })

  it.each([
    ['--cache', 'lots', 'a size, such as 64MiB, or a file'],
    ['--user-request-rate', '0', 'a number of requests, such as'],
    ['--user-request-rate', '1/day', 'a number of requests, such as'],
    ['--queue-timeout', '2d', 'a time from 1ms to 1d'],
    ['--request-timeout', '0', 'a time from 1ms to 1d'],
    ['--json-bytes', '1GiB', 'a size from 1 to 256MiB'],
    ['--otlp', 'grpc://a:1', 'an http or https URL'],
    ['--insecure-origin', 'https://a/', 'names or addresses of hosts'],
  ])('refuse %s %s', (flag, value, wanted) => {
    expect(() => load(flag, value)).toThrow(`${flag}: "${value}" is not ${wanted}`)
  })
})
