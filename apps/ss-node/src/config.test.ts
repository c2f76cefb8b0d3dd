import { ConfigError, loadConfig, printConfig } from '@sluice/service'
import { describe, expect, test } from 'vitest'
import { schema, type SsNodeConfig } from './config.ts'

const load = (argv: string[], env: Record<string, string> = {}): SsNodeConfig =>
  loadConfig(schema, { argv, env }).config

const KEY = 'AAECAwQFBgcICQoLDA0ODw=='
const METHOD = '2022-blake3-aes-128-gcm'

test('what it is unless told', () => {
  expect(load([])).toMatchObject({
    listen: '::',
    identityKey: [],
    insecureMethods: true,
    connections: 60,
    idleMs: 60_000,
    handshakeMs: 60_000,
    logLevel: 'info',
    ops: { host: '127.0.0.1', port: 9101 },
  })
})

describe('variables', () => {
  test.each([
    ['SS_LISTEN_HOST', '192.0.2.1', { listen: '192.0.2.1' }],
    ['SS_TIME_OUT_LIMIT', '90', { idleMs: 90_000 }],
    ['SS_TCP_CONN_LIMIT', '7', { connections: 7 }],
    ['SS_METRICS_PORT', '9888', { ops: { host: '0.0.0.0', port: 9888 } }],
    ['SS_STREAM_DNS_SERVER', '9.9.9.9', { dns: ['9.9.9.9'] }],
  ])('%s=%s', (name, value, wanted) => {
    expect(load([], { [name]: value })).toMatchObject(wanted)
  })

  test.each([
    ['CRITICAL', 'error'],
    ['ERROR', 'error'],
    ['Warning', 'warn'],
    ['info', 'info'],
    ['DEBUG', 'debug'],
  ])('SS_LOG_LEVEL=%s is %s', (value, level) => {
    expect(load([], { SS_LOG_LEVEL: value }).logLevel).toBe(level)
  })

  test('flags count more, and then our own names', () => {
    const env = { SS_TIME_OUT_LIMIT: '1', SLUICE_IDLE_TIMEOUT: '2' }
    expect(load([], env).idleMs).toBe(2000)
    expect(load(['--idle-timeout', '3'], env).idleMs).toBe(3000)
  })

  test.each([
    ['SS_TCP_CONN_LIMIT', '0'],
    ['SS_TIME_OUT_LIMIT', 'soon'],
    ['SS_LOG_LEVEL', 'loud'],
    ['SS_METRICS_PORT', '99999'],
    ['SS_LISTEN_HOST', 'two words'],
  ])('%s=%s is refused by its name', (name, value) => {
    expect(() => load([], { [name]: value })).toThrow(new RegExp(`^${name}: `))
  })
})

describe('--listen', () => {
  test.each([
    ['[::1]', '::1'],
    ['::1', '::1'],
    ['0.0.0.0', '0.0.0.0'],
  ])('%s', (written, host) => {
    expect(load(['--listen', written]).listen).toBe(host)
  })
})

describe('--identity-key', () => {
  test('may be given for several ports', () => {
    const { identityKey } = load([
      '--identity-key',
      `8388:${METHOD}:${KEY}`,
      '--identity-key',
      `8389:${METHOD}:${KEY}`,
    ])
    expect(identityKey.map(({ port, key }) => [port, key.method.name, key.bytes.length])).toEqual([
      [8388, METHOD, 16],
      [8389, METHOD, 16],
    ])
  })

  test.each([
    `8388:${METHOD}:short`,
    `8388:aes-128-gcm:${KEY}`,
    `8388:2022-blake3-chacha20-poly1305:${KEY}${KEY}`,
    `99999:${METHOD}:${KEY}`,
    `${METHOD}:${KEY}`,
    `8388:${METHOD}:${KEY},8388:${METHOD}:${KEY}`,
  ])('%s is none, and is not repeated', (written) => {
    expect.assertions(2)
    try {
      load(['--identity-key', written])
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError)
      expect(String(error)).not.toContain(written.split(':').at(-1))
    }
  })

  test('is not printed', () => {
    const loaded = loadConfig(schema, { argv: ['--identity-key', `8388:${METHOD}:${KEY}`], env: {} })
    expect(printConfig(schema, loaded)).not.toContain(KEY)
  })
})
