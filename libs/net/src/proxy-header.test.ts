import { type Address, decodeProxyHeader, encodeProxyHeader, formatIp, type ProxyHeader } from '@sluice/wire'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plainIp } from './ip-network.ts'
import { readProxyHeader, writeProxyHeader } from './proxy-header.ts'
import { Reader } from './reader.ts'
import { Collector } from './testing/collector.ts'
import { memoryConns } from './testing/memory-conn.ts'

const read = async (bytes: Uint8Array): Promise<{ client: Address | undefined; rest: string }> => {
  const [conn, peer] = memoryConns()
  const reader = new Reader(conn, 16 * 1024)
  peer.write(bytes)
  peer.end()
  const client = await readProxyHeader(reader)
  const rest = new Collector(reader.release())
  await rest.until(() => rest.has('end'))
  return { client, rest: rest.text }
}

const source = { host: '203.0.113.9', port: 1234 }
const destination = { host: '192.0.2.1', port: 443 }
const inet = { family: 'INET', transport: 'STREAM', source, destination } as const
const behind = (header: ProxyHeader): Buffer =>
  Buffer.concat([encodeProxyHeader(header), Buffer.from('and what follows')])

describe('readProxyHeader', () => {
  it.each([1, 2] as const)('version %i: gives the client, and leaves what is behind', async (version) => {
    const bytes = behind({ version, command: 'PROXY', endpoints: inet, tlvs: [] })
    expect(await read(bytes)).toEqual({ client: source, rest: 'and what follows' })
  })

  it('gives an IPv4 address as such, though it came as IPv6', async () => {
    const mapped = { host: '::ffff:203.0.113.9', port: 7 }
    const endpoints = { ...inet, family: 'INET6', source: mapped, destination: mapped } as const
    const { client } = await read(behind({ version: 2, command: 'PROXY', endpoints, tlvs: [] }))
    expect(client).toEqual({ host: '203.0.113.9', port: 7 })
  })

  const path = Buffer.from('/run/socket')
  it.each<[string, ProxyHeader]>([
    ['LOCAL', { version: 2, command: 'LOCAL', endpoints: undefined, tlvs: [] }],
    ['UNSPEC', { version: 2, command: 'PROXY', endpoints: undefined, tlvs: [] }],
    ['UNKNOWN', { version: 1, command: 'PROXY', endpoints: undefined, tlvs: [] }],
    [
      'a UNIX socket',
      {
        version: 2,
        command: 'PROXY',
        endpoints: { family: 'UNIX', transport: 'STREAM', source: path, destination: path },
        tlvs: [],
      },
    ],
    ['datagrams', { version: 2, command: 'PROXY', endpoints: { ...inet, transport: 'DGRAM' }, tlvs: [] }],
  ])('%s: nobody but the balancer', async (_, header) => {
    expect(await read(behind(header))).toEqual({ client: undefined, rest: 'and what follows' })
  })

  it.each(['GET / HTTP/1.1\r\n', '\x05\x01\x00', 'PROXY TCP4 nowhere ', 'PROXY UNKNOWN'.padEnd(120, ' x')])(
    'refuses %j',
    async (text) => {
      await expect(read(Buffer.from(text, 'latin1'))).rejects.toMatchObject({ code: 'PROXY_HEADER_INVALID' })
    },
  )

  it('passes on that the balancer has left', async () => {
    await expect(read(Buffer.from('PROXY TCP4 203.0'))).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
  })
})

describe('writeProxyHeader', () => {
  const written = async (version: 1 | 2, client: Address): Promise<ProxyHeader> => {
    const [conn, peer] = memoryConns()
    const there = new Collector(peer)
    writeProxyHeader(conn, version, client)
    await there.until(() => there.size > 0)
    const { value, size } = decodeProxyHeader(there.bytes)!
    expect(size).toBe(there.size)
    return value
  }
  const ip = fc.oneof(fc.ipV4(), fc.ipV6())

  it('can say every client, in either version', async () => {
    const clients = fc.record({ host: ip, port: fc.nat({ max: 65_535 }) })
    await fc.assert(
      fc.asyncProperty(clients, fc.constantFrom(1, 2), async (client, version) => {
        const { endpoints } = await written(version, client)
        const told = await read(encodeProxyHeader({ version, command: 'PROXY', endpoints, tlvs: [] }))
        expect(told.client).toEqual({ host: formatIp(plainIp(client.host)!), port: client.port })
      }),
    )
  })

  it('says where the client came to, where that is another place', async () => {
    const [conn, peer] = memoryConns()
    const there = new Collector(peer)
    writeProxyHeader(conn, 1, source, destination)
    await there.until(() => there.size > 0)
    expect(there.text).toBe('PROXY TCP4 203.0.113.9 192.0.2.1 1234 443\r\n')
  })

  it('writes an IPv4 target of an IPv6 client as IPv6', async () => {
    const { endpoints } = await written(2, { host: '2001:db8::1', port: 1 })
    expect(endpoints).toMatchObject({
      family: 'INET6',
      source: { host: '2001:db8::1' },
      destination: { host: expect.stringMatching(/^::ffff:192\.0\.2\./) },
    })
  })

  it('says that it knows nothing of a client that has gone', async () => {
    for (const version of [1, 2] as const) {
      expect((await written(version, { host: '', port: 0 })).endpoints).toBeUndefined()
    }
  })
})
