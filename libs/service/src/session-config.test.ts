import { describe, expect, it } from 'vitest'
import { loadConfig } from './config.ts'
import { nodeLimits, type SessionConfig, sessionSchema, sessionSchemaOf } from './session-config.ts'

const load = (...argv: string[]): SessionConfig => loadConfig(sessionSchema, { argv, env: {} }).config

describe('sessionSchema', () => {
  it('has defaults', () => {
    expect(load()).toEqual({
      handshakeMs: 10_000,
      dialMs: 10_000,
      idleMs: 3_600_000,
      unauthenticatedPerIp: 1024,
      unauthenticated: 16_384,
      proxyProtocol: [],
      sendProxyTo: [],
      authFailures: 10,
      authBackoffMs: 300_000,
      deviceTtlMs: 0,
      deviceBytes: 0,
      accessLogFormat: 'json',
    })
  })

  it('has those of a door, which flags go before', () => {
    const defaults = { handshake: '60', idle: '2m', deviceTtl: '1m', deviceBytes: '64KiB' }
    const { config } = loadConfig(sessionSchemaOf(defaults), { argv: ['--device-bytes', '0'], env: {} })
    expect(config).toMatchObject({
      handshakeMs: 60_000,
      idleMs: 120_000,
      deviceTtlMs: 60_000,
      deviceBytes: 0,
      dialMs: 10_000,
    })
  })

  it('reads its flags', () => {
    const flags =
      '--handshake-timeout 5 --dial-timeout 500ms --idle-timeout 2m --unauthenticated-per-ip 7 --unauthenticated 8 ' +
      '--device-ttl 90 --device-bytes 1MB'
    expect(load(...flags.split(' '))).toMatchObject({
      handshakeMs: 5000,
      dialMs: 500,
      idleMs: 120_000,
      unauthenticatedPerIp: 7,
      unauthenticated: 8,
      deviceTtlMs: 90_000,
      deviceBytes: 1_000_000,
    })
  })

  it.each([
    [['--unauthenticated-per-ip', '0'], 'at least 1'],
    [['--node-up', '0'], 'a rate above 0'],
    [['--node-down', '0KB/s'], 'a rate above 0'],
    [['--node-total', 'fast'], 'a rate above 0'],
  ])('refuses %s', (argv, wanted) => {
    expect(() => load(...argv)).toThrow(wanted)
  })
})

describe('nodeLimits', () => {
  it('are none unless they are given', () => {
    expect(nodeLimits(load())).toEqual({})
  })

  it('have a burst of a quarter of a second, or 64 KiB', () => {
    expect(nodeLimits(load('--node-up', '1MB/s', '--node-down', '1000', '--node-total', '1GB/s'))).toEqual({
      up: { rate: 1_000_000, burst: 250_000 },
      down: { rate: 1000, burst: 65_536 },
      total: { rate: 1_000_000_000, burst: 250_000_000 },
    })
  })
})
