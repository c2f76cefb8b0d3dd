import { readFileSync } from 'node:fs'
import { configDrift } from '@sluice/service'
import { describe, expect, test } from 'vitest'
import { loadLocalConfig, localSchema, serverAccess } from './local-config.ts'

const SERVER = ['--server', 'proxy.example.org:8890', '--user', 'ada', '--password-stdin']
const load = (...argv: string[]): ReturnType<typeof loadLocalConfig> =>
  loadLocalConfig([...SERVER, ...argv], {})

describe('settings', () => {
  test('have defaults', () => {
    expect(load()).toMatchObject({
      server: { host: 'proxy.example.org', port: 8890 },
      user: 'ada',
      listen: { host: '127.0.0.1', port: 1080 },
      tls: false,
    })
  })

  test.each([
    [[], '--server is missing'],
    [['--server', 'h:1', '--user', 'ada'], '--password-stdin is missing'],
    [[...SERVER, '--listen', '0.0.0.0:1080'], '0.0.0.0:1080 is not loopback'],
    [[...SERVER, '--tls-name', 'x'], '--tls-ca and --tls-name want --tls'],
    [[...SERVER, 'more'], '"more" is one word too many'],
    [[...SERVER, '--proto', 'socks4'], 'one of socks5, http'],
    [[...SERVER, '--allow', '::/0'], '--allow: unknown flag'],
  ])('refuse %j', (argv, message) => {
    expect(() => loadLocalConfig(argv, {})).toThrow(message)
  })

  test('are those of docs/remote-proxy-local.md', () => {
    const page = readFileSync(new URL('../../../../docs/remote-proxy-local.md', import.meta.url), 'utf8')
    expect(configDrift(localSchema, page)).toEqual([])
  })

  test('let it listen beyond loopback on demand', () => {
    expect(load('--listen', '0.0.0.0:1080', '--open').listen.host).toBe('0.0.0.0')
  })
})

describe('serverAccess', () => {
  const bytes = (text: string): Buffer => Buffer.from(text)

  test('is the line without TLS, and a login with it', () => {
    expect(serverAccess(load(), bytes('secret'))).toEqual({
      server: { host: 'proxy.example.org', port: 8890 },
      line: Uint8Array.from(bytes('sumbit: ada secret \r\n')),
    })
    expect(serverAccess(load('--tls'), bytes('a b'))).toMatchObject({
      credentials: { username: bytes('ada'), password: bytes('a b') },
      tls: { name: 'proxy.example.org', ca: undefined },
    })
    expect(serverAccess(load('--tls', '--tls-name', 'n'), bytes('x')).tls?.name).toBe('n')
  })

  test.each([
    [[], 'two words', 'holds a blank'],
    [[], 'x'.repeat(1100), 'too long'],
    [[], '', 'the password is empty'],
    [['--tls'], 'x'.repeat(256), 'at most 255 bytes'],
    [['--tls', '--tls-ca', '/none'], 'x', 'cannot read /none (ENOENT)'],
    [['--tls', '--tls-ca', import.meta.filename], 'x', 'holds no PEM certificate'],
  ])('refuses what cannot be told: %j', (argv, password, message) => {
    const tell = (): unknown => serverAccess(load(...argv), bytes(password))
    expect(tell).toThrow(message)
    if (password.includes(' ')) expect(tell).toThrow('with --tls it can')
    try {
      tell()
    } catch (error) {
      if (password.length > 1) expect(String(error)).not.toContain(password)
    }
  })
})
