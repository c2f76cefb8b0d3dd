import { ConfigError, loadConfig } from '@sluice/service'
import { expect, test } from 'vitest'
import { isAmong } from './config-types.ts'
import { type NpsServerConfig, schema } from './config.ts'

const load = (...argv: string[]): NpsServerConfig => loadConfig(schema, { argv, env: {} }).config

test('by default there is the bridge alone, on loopback', () => {
  expect(load()).toMatchObject({
    bridge: { host: '127.0.0.1', port: 8025 },
    ops: { host: '127.0.0.1', port: 9105 },
    ports: [{ first: 1024, last: 65_535 }],
  })
  const { npcBridge, http, https, web, npsApi } = load()
  expect([npcBridge, http, https, web, npsApi].filter(Boolean)).toEqual([])
})

test('npc comes with TLS or without', () => {
  const address = { host: '0.0.0.0', port: 8024 }
  expect(load('--npc-bridge', '0.0.0.0:8024').npcBridge).toEqual({ address, tls: false })
  expect(load('--npc-bridge', 'tls://0.0.0.0:8024').npcBridge).toEqual({ address, tls: true })
  expect(() => load('--npc-bridge', 'tcp://0.0.0.0:8024')).toThrow(ConfigError)
})

test('ports are ranges', () => {
  const { ports } = load('--ports', '80,443, 20000-29999', '--ports', '9000')
  const wanted = [80, 443, 20_000, 29_999, 9000]
  expect(wanted.filter((port) => isAmong(ports, port))).toEqual(wanted)
  expect([79, 444, 19_999, 30_000].filter((port) => isAmong(ports, port))).toEqual([])
  for (const written of ['', '0', '65536', '2-1', '1-', '-1', 'a', '1-65536', '1,,2']) {
    expect(() => load('--ports', written), written).toThrow(ConfigError)
  }
})

test('the key of the web API of nps is long, and never shown', () => {
  expect(load('--nps-api', 'k'.repeat(16)).npsApi).toBe('k'.repeat(16))
  for (const written of ['', 'short-as-it-is', 'with blanks in it, which no key has', 'k'.repeat(257)]) {
    expect(() => load('--nps-api', written)).toThrow(
      /--nps-api: \*\*\* is not a text of 16 to 256 characters/,
    )
  }
})

test('nobody is asked how targets are dialled from here', () => {
  for (const flag of ['--dns', '--source', '--upstream', '--send-proxy'])
    expect(() => load(flag, '1')).toThrow(flag)
})

test('certificates are asked for over TLS alone, and of nobody unless it is said', () => {
  const { acmeAgree, acmeDirectory } = load()
  expect({ acmeAgree, acmeDirectory }).toEqual({
    acmeAgree: false,
    acmeDirectory: 'https://acme-v02.api.letsencrypt.org/directory',
  })
  expect(() => load('--acme-directory', 'http://localhost/dir')).toThrow('--acme-directory')
  expect(() => load('--acme-email', 'nobody')).toThrow('--acme-email')
})
