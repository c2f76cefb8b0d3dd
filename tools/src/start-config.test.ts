import { schema as httpsProxy } from '@sluice/https-proxy'
import { schema as npsServer } from '@sluice/nps-server'
import { schema as relay } from '@sluice/relay'
import { loadConfig } from '@sluice/service'
import { schema as remoteProxy } from '@sluice/remote-proxy'
import { schema as ssNode } from '@sluice/ss-node'
import { expect, it } from 'vitest'
import {
  httpsProxyConfigOf,
  npsServerConfigOf,
  relayConfigOf,
  startDefaults,
  startSchema,
} from './start-config.ts'

const load = (...argv: string[]): ReturnType<typeof loadConfig<typeof startSchema>>['config'] =>
  loadConfig(startSchema, { argv, env: {} }).config

it('has every setting of every door', () => {
  const shapes = [remoteProxy, ssNode, relay, httpsProxy, npsServer].flatMap(({ shape }) =>
    Object.keys(shape),
  )
  const keys = [...shapes, 'relay', 'proxy', 'hosts']
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
  const { http, socks, proxy, bridge, hosts, ops, listen, port, relay: listeners } = load()
  const relays = listeners.map(({ address }) => address.host)
  const places = [http.host, socks.host, proxy.host, bridge.host, hosts?.host, ops?.host, listen, ...relays]
  expect(places).toEqual(Array(8).fill('127.0.0.1'))
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

it('has a listener of the relay beside that of ss-node', () => {
  const config = load('--relay', 'ws://127.0.0.1:7')
  expect(relayConfigOf(config).listen).toEqual([{ door: 'ws', address: { host: '127.0.0.1', port: 7 } }])
  expect(config.listen).toBe('127.0.0.1')
})

it('has no flag twice', () => {
  const flags = Object.entries(startSchema.shape).map(([key, type]) => type.meta()?.['flag'] ?? key)
  expect(flags).toEqual([...new Set(flags)])
})

it('has a listener of https-proxy, which speaks no TLS and lets nobody in who does not sign in', () => {
  const config = load('--proxy', '127.0.0.1:7', '--tls', '127.0.0.1:8', '--tls-cert', 'a', '--open')
  expect(httpsProxyConfigOf(config)).toMatchObject({
    ...{ listen: { host: '127.0.0.1', port: 7 }, tls: undefined, tlsCert: undefined, open: false },
  })
  expect(config).toMatchObject({ tls: { port: 8 }, tlsCert: 'a', open: true })
})

it('has a listener for hosts of nps-server beside that of remote-proxy, and none that protects little', () => {
  const config = load('--hosts', '127.0.0.1:7', '--open')
  const nps = npsServerConfigOf(config)
  expect(nps).toMatchObject({ http: { host: '127.0.0.1', port: 7 }, open: false })
  expect([nps.npcBridge, nps.p2p, nps.web, nps.https]).toEqual(Array(4).fill(undefined))
  expect(config).toMatchObject({ http: { port: 8889 }, open: true })
})

it('has no two listeners at one port', () => {
  const { http, socks, proxy, bridge, hosts, ops, relay: listeners } = load()
  const places = [http, socks, proxy, bridge, hosts, ops, ...listeners.map(({ address }) => address)]
  const ports = places.map((place) => place?.port)
  expect(ports).toEqual([...new Set(ports)])
})
