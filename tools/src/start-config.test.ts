import { loadConfig } from '@sluice/service'
import { schema as remoteProxy } from '@sluice/remote-proxy'
import { schema as ssNode } from '@sluice/ss-node'
import { expect, it } from 'vitest'
import { startDefaults, startSchema } from './start-config.ts'

const load = (...argv: string[]): ReturnType<typeof loadConfig<typeof startSchema>>['config'] =>
  loadConfig(startSchema, { argv, env: {} }).config

it('has every setting of every door', () => {
  const keys = [...Object.keys(remoteProxy.shape), ...Object.keys(ssNode.shape)]
  expect(new Set(Object.keys(startSchema.shape))).toEqual(new Set(keys))
})

it('takes flags of either door, and of both', () => {
  const flags = [
    '--socks',
    '127.0.0.1:0',
    '--limit',
    '1MB/s',
    '--no-insecure-methods',
    '--allow',
    '10.0.0.0/8',
  ]
  expect(load(...flags)).toMatchObject({ limit: 1_000_000, insecureMethods: false, allow: ['10.0.0.0/8'] })
})

it('stays on loopback unless it is told otherwise', () => {
  const { http, socks, ops, listen, port } = load()
  expect([http.host, socks.host, ops?.host, listen]).toEqual(Array(4).fill('127.0.0.1'))
  expect(port).toBe(0)
  expect(load('--port', '8388')).toMatchObject({ port: 8388 })
})

it('gives users without limits those of all doors', () => {
  expect(startDefaults(load('--limit', '1MB/s', '--connections', '7'))).toEqual({
    total: 1_000_000,
    burst: undefined,
    connections: 7,
    associations: 1024,
  })
})
