import { readFileSync } from 'node:fs'
import { configDrift, ConfigError, configTable, loadConfig } from '@sluice/service'
import { describe, expect, it } from 'vitest'
import { checkRemote, grpcAddress, type RemoteConfig, remoteSchema } from './remote-config.ts'

const TOKEN = 'a-token-of-24-characters'

const load = (argv: readonly string[], env: Record<string, string> = {}): RemoteConfig =>
  loadConfig(remoteSchema, { argv, env }).config

const check = (...argv: string[]) => checkRemote(load(argv))

describe('remote management', () => {
  it('is off unless asked for', () => {
    const config = load([])
    expect(() => checkRemote(config)).not.toThrow()
    expect([grpcAddress(config), config.manager, config.ssm]).toEqual([undefined, undefined, undefined])
  })

  it('by gRPC wants host and port, of the original variables too', () => {
    expect(grpcAddress(load([], { SS_GRPC_HOST: '127.0.0.1' }))).toBeUndefined()
    expect(grpcAddress(load([], { SS_GRPC_PORT: '5000' }))).toBeUndefined()
    const both = { SS_GRPC_HOST: '[::1]', SS_GRPC_PORT: '5000' }
    expect(grpcAddress(load([], both))).toEqual({ host: '::1', port: 5000 })
    expect(grpcAddress(load(['--grpc-port', '1'], both))).toEqual({ host: '::1', port: 1 })
  })

  const grpc = (host: string, ...rest: string[]) => ['--grpc-host', host, '--grpc-port', '5000', ...rest]
  const tls = ['--grpc-cert', 'cert.pem', '--grpc-key', 'key.pem']

  it.each([
    grpc('127.0.0.1'),
    grpc('localhost'),
    grpc('::1', ...tls),
    grpc('0.0.0.0', ...tls, '--grpc-token', TOKEN),
    ['--manager', '127.0.0.1:6001', '--manager-dialect', 'python'],
    ['--ssm', '127.0.0.1:8080', '--ssm-token', TOKEN],
    ['--ssm', '[::]:8080', '--ssm-token', TOKEN, '--ssm-cert', 'c', '--ssm-key', 'k'],
  ])('opens with %s %s %s %s %s %s', (...argv) => {
    expect(() => check(...argv)).not.toThrow()
  })

  it.each([
    ['not loopback', grpc('0.0.0.0')],
    ['not loopback', grpc('0.0.0.0', '--grpc-token', TOKEN)],
    ['not loopback', grpc('ss.example.org', ...tls)],
    ['not loopback', grpc('127.example.org')],
    ['go together', grpc('127.0.0.1', '--grpc-cert', 'cert.pem')],
    ['no listener', tls],
    ['not loopback', ['--manager', '0.0.0.0:6001']],
    ['--ssm-token', ['--ssm', '127.0.0.1:8080']],
    ['not loopback', ['--ssm', '0.0.0.0:8080', '--ssm-token', TOKEN]],
  ])('is refused: %s', (problem, argv) => {
    expect(() => check(...argv)).toThrow(ConfigError)
    expect(() => check(...argv)).toThrow(problem)
  })

  it.each([
    [['--manager', '/run/ss-manager.sock'], 'socat'],
    [['--grpc-token', 'short'], 'at least 16'],
    [['--manager-method', 'rc4-md5'], 'a method'],
    [['--manager-dialect', 'go'], 'libev, rust, python'],
  ] as const)('%s cannot be', (argv, problem) => {
    expect(() => load(argv)).toThrow(problem)
  })

  it('tells no secret', () => {
    expect(() => load(['--ssm-token', 'hush hush hush hush'])).not.toThrow(/hush/)
  })
})

it('stands in the documentation', () => {
  const page = new URL('../../../../docs/ss-node-management.md', import.meta.url)
  const drift = configDrift(remoteSchema, readFileSync(page, 'utf8'))
  expect(drift, `wanted:\n${configTable(remoteSchema)}`).toEqual([])
})
