import { once } from 'node:events'
import { createSocket } from 'node:dgram'
import { describe, expect, it } from 'vitest'
import { AddressPolicy } from '../address-policy.ts'
import { createDial } from '../dial.ts'
import { Door, NEVER } from '../testing/loopback.ts'
import { NameServer, type Zone } from '../testing/name-server.ts'
import { createResolver, type CreateResolverOptions } from './create-resolver.ts'

const lab = async (zones: Record<string, Zone>, options: CreateResolverOptions = {}) => {
  const server = await NameServer.open(zones)
  const clock = { ms: 0, now: (): number => 1 + clock.ms }
  const resolver = createResolver({
    servers: [server.address],
    clock,
    lookup: (name, _, settle) => settle(null, [{ address: `system:${name}`, family: 4 }]),
    ...options,
  })
  const ask = async (name: string): Promise<unknown> => {
    try {
      return await resolver.resolve(name, NEVER)
    } catch (error) {
      return (error as { code?: unknown }).code
    }
  }
  return { server, clock, ask, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

const BOTH: Zone = { A: ['192.0.2.1', '192.0.2.2'], AAAA: ['2001:db8::1'], ttl: 60 }

describe('named servers', () => {
  it('are asked for both families, and not again until the TTL is over', async () => {
    await using here = await lab({ 'one.test': BOTH })
    const ips = ['2001:db8::1', '192.0.2.1', '192.0.2.2']
    expect(await here.ask('One.test')).toEqual(ips)
    expect(here.server.asked.toSorted()).toEqual(['A one.test', 'AAAA one.test'])
    here.clock.ms = 59_999
    expect([await here.ask('one.test'), here.server.asked.length]).toEqual([ips, 2])
    here.clock.ms = 60_001
    expect([await here.ask('one.test'), here.server.asked.length]).toEqual([ips, 4])
  })

  it.each([
    ['of 0 s is 1 s', 0, 1000],
    ['of a day is an hour', 86_400, 3_600_000],
  ])('TTL %s', async (_, ttl, keptMs) => {
    await using here = await lab({ 'one.test': { ...BOTH, ttl } })
    for (const [ms, questions] of [
      [0, 2],
      [keptMs - 1, 2],
      [keptMs + 1, 4],
    ] as const) {
      here.clock.ms = ms
      await here.ask('one.test')
      expect(here.server.asked.length).toBe(questions)
    }
  })

  it.each([
    ['no such name', {}],
    ['no address', { 'one.test': {} }],
  ])('know for 30 s that there is %s', async (_, zones) => {
    await using here = await lab(zones)
    expect(await here.ask('one.test')).toBe('DIAL_NAME_UNKNOWN')
    here.clock.ms = 29_999
    expect([await here.ask('one.test'), here.server.asked.length]).toEqual(['DIAL_NAME_UNKNOWN', 2])
    here.server.zones['one.test'] = BOTH
    here.clock.ms = 30_001
    expect(await here.ask('one.test')).toHaveLength(3)
  })

  it('one family is enough, and a failure of the other is no failure', async () => {
    await using here = await lab({ 'four.test': { A: ['192.0.2.1'] }, 'six.test': { AAAA: ['2001:db8::1'] } })
    expect([await here.ask('four.test'), await here.ask('six.test')]).toEqual([
      ['192.0.2.1'],
      ['2001:db8::1'],
    ])
  })

  it.each([
    ['AAAA', { A: ['192.0.2.1'], AAAA: 'silent' }, ['192.0.2.1']],
    ['A', { A: 'silent', AAAA: ['2001:db8::1'] }, ['2001:db8::1']],
  ] as const)('do not wait for a silent %s, and ask again in 5 s', async (_, zone, ips) => {
    await using here = await lab({ 'one.test': zone })
    expect(await here.ask('one.test')).toEqual(ips)
    here.server.zones['one.test'] = BOTH
    here.clock.ms = 4999
    expect(await here.ask('one.test')).toEqual(ips)
    here.clock.ms = 5001
    expect(await here.ask('one.test')).toHaveLength(3)
  })

  it('that fail are asked again the next time', async () => {
    await using here = await lab({ 'one.test': { rcode: 2 } })
    expect(await here.ask('one.test')).toBe('DIAL_NAME_FAILED')
    here.server.zones['one.test'] = BOTH
    expect(await here.ask('one.test')).toHaveLength(3)
  })

  it('that are not there are a failure of the name, not of the target', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const servers = [`127.0.0.1:${socket.address().port}`]
    socket.close()
    await using here = await lab({}, { servers })
    expect(await here.ask('one.test')).toBe('DIAL_NAME_FAILED')
  })

  it.each([
    ['ipv4', ['192.0.2.1', '192.0.2.2'], ['A one.test']],
    ['ipv6', ['2001:db8::1'], ['AAAA one.test']],
  ] as const)('are asked for %s only', async (only, ips, asked) => {
    await using here = await lab({ 'one.test': BOTH }, { only })
    expect([await here.ask('one.test'), here.server.asked]).toEqual([ips, asked])
  })

  it('are not asked for localhost, nor for names without a dot', async () => {
    await using here = await lab({ localhost: BOTH, 'a.localhost': BOTH, printer: BOTH })
    for (const name of ['localhost', 'LocalHost.', 'a.localhost'])
      expect(await here.ask(name)).toEqual(['127.0.0.1', '::1'])
    expect([await here.ask('printer'), here.server.asked]).toEqual([['system:printer'], []])
  })

  it('are asked for what looks like an address, and have no say over what is one', async () => {
    const door = await Door.open()
    const names = ['127.1', '0x7f.1', '0177.0.0.1', '127.0.0.1.']
    const zones = Object.fromEntries(names.map((name) => [name.replace(/\.$/, ''), { A: ['127.0.0.1'] }]))
    const server = await NameServer.open(zones)
    const resolver = createResolver({ servers: [server.address] })
    const dial = createDial({ policy: new AddressPolicy(), resolver })
    for (const host of [...names, '2130706433', '0x7f000001', '127.0.0.1', 'localhost']) {
      const dialling = dial({ host, port: door.port }, NEVER)
      await expect(dialling, host).rejects.toMatchObject({ code: 'TARGET_DENIED' })
    }
    await server[Symbol.asyncDispose]()
    door.close()
  })
})
