import { getEventListeners } from 'node:events'
import { isIPv6 } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { AddressPolicy, type TargetPolicy } from './address-policy.ts'
import type { Conn } from './conn.ts'
import { createDial, type Dial } from './dial.ts'
import { createResolver } from './dns/create-resolver.ts'
import type { LookupAll } from './dns/system-names.ts'
import type { SocketConn } from './socket-conn.ts'
import { deafPort } from './testing/child.ts'
import { Collector } from './testing/collector.ts'
import { held } from './testing/held.ts'
import { dialLoopback, Door, hasIpv6, NEVER, plainServer, turns } from './testing/loopback.ts'
import { freePort, OTHER_HOST, OWN_HOST } from './testing/own-loopback.ts'

type Lookup = LookupAll

/** A resolver that knows one answer, and what it was asked. */
const resolver = (...ips: string[]): Lookup & { asked: string[] } => {
  const asked: string[] = []
  const lookup: Lookup = (host, _, callback) => {
    asked.push(host)
    setImmediate(
      callback,
      null,
      ips.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 })),
    )
  }
  return Object.assign(lookup, { asked })
}

const failing = (code: string): Lookup => {
  const error = Object.assign(new Error(`getaddrinfo ${code}`), { code })
  return (_host, _options, callback) => setImmediate(callback, error, [])
}

/** The code with which the dial fails, or the address that it reached. */
const outcome = async (dial: Dial, host: string, port = 80, signal = NEVER): Promise<unknown> => {
  try {
    const conn = await dial({ host, port }, signal)
    const reached = conn.remote.host
    conn.destroy()
    return reached
  } catch (error) {
    return (error as { code?: string }).code ?? error
  }
}

const sockets = (): number => held().sockets

afterEach(() => {
  vi.useRealTimers()
})

describe('an address', () => {
  it('is dialled', async () => {
    const door = await Door.open()
    const conn = await dialLoopback()({ host: '127.0.0.1', port: door.port }, NEVER)
    const accepted = await door.next()
    expect(conn.remote).toEqual({ host: '127.0.0.1', port: door.port })
    expect(conn.local).toEqual(accepted.remote)
    const there = new Collector(accepted)
    conn.write(Buffer.from('hello'))
    conn.end()
    await there.until(() => there.has('end'))
    expect(there.text).toBe('hello')
    accepted.destroy()
    conn.destroy()
    door.close()
  })

  it.skipIf(!hasIpv6)('is dialled: IPv6', async () => {
    const door = await Door.open('::1')
    expect(await outcome(dialLoopback(), '::1', door.port)).toBe('::1')
    door.close()
  })

  it('brings what the target says before anyone asks', async () => {
    const server = await plainServer()
    server.on('connection', (socket) => socket.end('220 ready'))
    const address = server.address() as { port: number }
    const conn = await dialLoopback()({ host: '127.0.0.1', port: address.port }, NEVER)
    await turns()
    const here = new Collector(conn)
    await here.until(() => here.has('end'))
    expect(here.text).toBe('220 ready')
    conn.destroy()
    server.close()
  })

  it('that refuses', async () => {
    const port = freePort()
    const failure = dialLoopback()({ host: OWN_HOST, port }, NEVER)
    await expect(failure).rejects.toMatchObject({
      name: 'NetError',
      code: 'DIAL_REFUSED',
      message: `${OWN_HOST}:${port}: connect ECONNREFUSED ${OWN_HOST}:${port}`,
      cause: { code: 'ECONNREFUSED' },
    })
  })

  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '169.254.169.254', '0.0.0.0'])(
    'that the policy denies is not dialled: %s',
    async (host) => {
      const door = await Door.open()
      expect(await outcome(createDial({ policy: new AddressPolicy() }), host, door.port)).toBe(
        'TARGET_DENIED',
      )
      door.close()
    },
  )

  it('of a listener of ours is denied, allowed or not', async () => {
    const door = await Door.open('0.0.0.0')
    const policy = new AddressPolicy(['0.0.0.0/0', '::/0'], () => [{ host: '0.0.0.0', port: door.port }])
    for (const host of ['127.0.0.1', '127.8.8.8', '0.0.0.0', '::ffff:127.0.0.1', '2130706433'])
      expect([host, await outcome(createDial({ policy }), host, door.port)]).toEqual([host, 'TARGET_DENIED'])
    door.close()
  })
})

describe('a name', () => {
  it('is resolved once and dialled', async () => {
    const door = await Door.open()
    const lookup = resolver('127.0.0.1')
    expect(await outcome(dialLoopback({ lookup }), 'one.test', door.port)).toBe('127.0.0.1')
    expect(lookup.asked).toEqual(['one.test'])
    door.close()
  })

  it('is resolved by the system', async () => {
    const door = await Door.open()
    expect(await outcome(dialLoopback(), 'localhost', door.port)).toMatch(/^127\.0\.0\.1$|^::1$/)
    door.close()
  })

  // The system resolves these without asking anyone.
  it.each(['2130706433', '0x7f.1', '0x7f000001', '127.1', '0177.0.0.1', '017700000001', '0'])(
    'that the system takes for an address is judged as one: %s',
    async (name) => {
      const door = await Door.open()
      const dial = createDial({ policy: new AddressPolicy() })
      expect(await outcome(dial, name, door.port)).toBe('TARGET_DENIED')
      for (const ip of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1']) {
        const injected = createDial({
          policy: new AddressPolicy(),
          resolver: createResolver({ lookup: resolver(ip) }),
        })
        expect(await outcome(injected, name, door.port)).toBe('TARGET_DENIED')
      }
      door.close()
    },
  )

  it.each(['', 'a\0b', '127.0.0.1\0.example', 'x'.repeat(255), 'x.'.repeat(500)])(
    'that no name can be like is not looked up: %j',
    async (name) => {
      const lookup = resolver('127.0.0.1')
      expect(await outcome(dialLoopback({ lookup }), name)).toBe('DIAL_NAME_UNKNOWN')
      expect(lookup.asked).toEqual([])
    },
  )

  it('of 63 and more letters in one part is not known', async () => {
    expect(await outcome(dialLoopback(), `${'x'.repeat(64)}.invalid`)).toMatch(/^DIAL_NAME_/)
  })

  it.each([
    ['not there', failing('ENOTFOUND'), 'DIAL_NAME_UNKNOWN'],
    ['no server', failing('EAI_AGAIN'), 'DIAL_NAME_FAILED'],
    ['no files', failing('EMFILE'), 'DIAL_LOCAL_LIMIT'],
    ['some other error', failing('EWHATEVER'), 'DIAL_FAILED'],
    ['no address', resolver(), 'DIAL_NAME_UNKNOWN'],
    ['an answer that is no address', resolver('one.test'), 'TARGET_DENIED'],
  ])('that cannot be resolved: %s', async (_, lookup, code) => {
    expect(await outcome(dialLoopback({ lookup }), 'one.test')).toBe(code)
  })

  it('with admitted and denied addresses is dialled at the admitted ones only', async () => {
    const door = await Door.open('0.0.0.0')
    const policy = new AddressPolicy(['127.0.0.5'])
    const dial = createDial({
      policy,
      resolver: createResolver({ lookup: resolver('127.0.0.1', '::1', '10.0.0.1', '127.0.0.5') }),
    })
    expect(await outcome(dial, 'one.test', door.port)).toBe('127.0.0.5')
    expect((await door.next()).local.host).toBe('127.0.0.5')
    door.close()
    const port = freePort()
    const other = await Door.open('127.0.0.1')
    expect(await outcome(dial, 'one.test', port)).toBe('DIAL_REFUSED')
    expect(await outcome(dial, 'one.test', other.port)).toBe('DIAL_REFUSED')
    other.close()
  })
})

describe('a source address', () => {
  const dial = dialLoopback({ lookup: resolver('::1', '127.0.0.1'), localAddress: '127.0.0.9' })

  it('is where the conn leaves from; that of one dial goes before', async () => {
    const door = await Door.open()
    for (const [localAddress, from] of [
      [undefined, '127.0.0.9'],
      ['127.0.0.8', '127.0.0.8'],
      ['::ffff:127.0.0.8', '127.0.0.8'],
    ] as const) {
      const conn = await dial({ host: '127.0.0.1', port: door.port }, NEVER, { localAddress })
      const accepted = await door.next()
      expect([conn.local.host, accepted.remote.host]).toEqual([from, from])
      conn.destroy()
      accepted.destroy()
    }
    door.close()
  })

  it('leads only to addresses of its family', async () => {
    const door = await Door.open()
    for (const host of ['one.test', '::ffff:127.0.0.1'])
      expect([host, await outcome(dial, host, door.port)]).toEqual([host, '127.0.0.1'])
    expect(await outcome(dial, '::1', door.port)).toBe('DIAL_UNREACHABLE_NETWORK')
    const only6 = dialLoopback({ lookup: resolver('::1'), localAddress: '127.0.0.9' })
    expect(await outcome(only6, 'one.test', door.port)).toBe('DIAL_UNREACHABLE_NETWORK')
    expect(await outcome(dialLoopback({ localAddress: '::1' }), '127.0.0.1', door.port)).toBe(
      'DIAL_UNREACHABLE_NETWORK',
    )
    door.close()
  })

  it('that is not one of this machine is told', async () => {
    const door = await Door.open()
    const away = dialLoopback({ localAddress: '192.0.2.1' })
    expect(await outcome(away, '127.0.0.1', door.port)).toBe('DIAL_SOURCE_UNAVAILABLE')
    door.close()
  })
})

describe('the policy of one dial', () => {
  const refusing = (denied: readonly string[]): TargetPolicy => ({
    check: (ip) => {
      if (denied.includes(ip)) throw Object.assign(new Error(`not ${ip}`), { code: 'HOUSE_RULE' })
    },
  })

  it('is asked in place of the other, about each address', async () => {
    const door = await Door.open('0.0.0.0')
    const dial = createDial({
      policy: new AddressPolicy(),
      resolver: createResolver({ lookup: resolver('127.0.0.2', '127.0.0.3') }),
    })
    const reached = async (host: string, denied: string[]): Promise<unknown> =>
      outcome((target, signal) => dial(target, signal, { policy: refusing(denied) }), host, door.port)
    expect(await reached('127.0.0.1', [])).toBe('127.0.0.1')
    expect(await reached('127.0.0.1', ['127.0.0.1'])).toBe('HOUSE_RULE')
    expect(await reached('one.test', ['127.0.0.2'])).toBe('127.0.0.3')
    expect(await reached('one.test', ['127.0.0.2', '127.0.0.3'])).toBe('HOUSE_RULE')
    door.close()
  })

  it('that admits no address of a name is what the dial fails with, for the first of them', async () => {
    const dial = createDial({
      policy: new AddressPolicy(),
      resolver: createResolver({ lookup: resolver('127.0.0.2', '127.0.0.3') }),
    })
    const policy = refusing(['127.0.0.2', '127.0.0.3'])
    await expect(dial({ host: 'one.test', port: 80 }, NEVER, { policy })).rejects.toThrow('not 127.0.0.2')
  })
})

describe('several addresses', () => {
  it('a dead one first costs nothing but its refusal', async () => {
    const door = await Door.open(OWN_HOST)
    const lookup = resolver('127.0.0.2', OTHER_HOST, OWN_HOST)
    expect(await outcome(dialLoopback({ lookup, attemptMs: 1e6 }), 'one.test', door.port)).toBe(OWN_HOST)
    door.close()
  })

  it.skipIf(!hasIpv6)('IPv6 and IPv4 by turns, the family of the first first', async () => {
    const tried = async (...ips: string[]): Promise<string[]> => {
      const failure: unknown = await dialLoopback({ lookup: resolver(...ips) })(
        { host: 'one.test', port },
        NEVER,
      ).catch((error: unknown) => error)
      const { errors } = (failure as Error).cause as AggregateError
      return errors.map(({ address }: { address: string }) => address)
    }
    const port = freePort()
    expect(await tried('::1', '127.0.0.1', '127.0.0.2', '127.0.0.1')).toEqual([
      '::1',
      '127.0.0.1',
      '127.0.0.2',
    ])
    expect(await tried('127.0.0.1', '127.0.0.2', '::1')).toEqual(['127.0.0.1', '::1', '127.0.0.2'])
  })

  it('16 at the most', async () => {
    const port = freePort()
    const ips = Array.from({ length: 300 }, (_, i) => `127.1.${i >> 8}.${i & 255}`)
    const failure = dialLoopback({ lookup: resolver(...ips) })({ host: 'one.test', port }, NEVER)
    await expect(failure).rejects.toMatchObject({ code: 'DIAL_REFUSED', cause: { errors: { length: 16 } } })
  })

  it('one that does not answer is tried on while the next gets its turn, and let go when that has won', async () => {
    const door = await Door.open(OWN_HOST)
    await using deaf = await deafPort(OTHER_HOST, door.port)
    expect(deaf.port).toBe(door.port)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const before = sockets()
    const dialling = dialLoopback({ lookup: resolver(OTHER_HOST, OWN_HOST) })(
      { host: 'one.test', port: door.port },
      NEVER,
    )
    await turns()
    expect(sockets()).toBe(before + 1)
    vi.advanceTimersByTime(249)
    await turns()
    expect(vi.getTimerCount()).toBe(2)
    vi.advanceTimersByTime(1)
    const conn = await dialling
    const accepted = await door.next()
    await turns()
    expect([conn.remote.host, vi.getTimerCount(), sockets()]).toEqual([OWN_HOST, 0, before + 2])
    conn.destroy()
    accepted.destroy()
    door.close()
  })

  it('one that does not answer is waited for after all others have failed', async () => {
    await using deaf = await deafPort(OWN_HOST, freePort())
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const dial = dialLoopback({ lookup: resolver(OWN_HOST, OTHER_HOST) })
    const settled = outcome(dial, 'one.test', deaf.port)
    const first = Promise.race([settled, turns(50)])
    await turns()
    vi.advanceTimersByTime(250)
    expect(await first).toBeUndefined()
    vi.advanceTimersByTime(9_750)
    expect(await settled).toBe('DIAL_TIMEOUT')
  })

  it('one that answers in its time is the only one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const door = await Door.open('0.0.0.0')
    const lookup = resolver('127.0.0.1', '127.0.0.2', '127.0.0.3')
    const conn = await dialLoopback({ lookup })({ host: 'one.test', port: door.port }, NEVER)
    expect([conn.remote.host, vi.getTimerCount()]).toEqual(['127.0.0.1', 0])
    conn.destroy()
    door.close()
  })

  it('only one conn comes of several that answer', async () => {
    const door = await Door.open('0.0.0.0')
    const before = sockets()
    const lookup = resolver('127.0.0.1', '127.0.0.2', '127.0.0.3')
    const conn = await dialLoopback({ lookup, attemptMs: 0 })({ host: 'one.test', port: door.port }, NEVER)
    const accepted = new Collector(await door.next())
    await turns(20)
    accepted.conn.destroy()
    conn.destroy()
    await turns(20)
    expect(sockets() - before).toBeLessThanOrEqual(2)
    for (let i = sockets() - before; i > 0; i--) (await door.next()).destroy()
    door.close()
  })
})

describe('the deadline', () => {
  it('ends a lookup that hangs; an answer that comes later starts nothing', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const door = await Door.open()
    let answer!: Parameters<Lookup>[2]
    const lookup: Lookup = (_host, _options, callback) => (answer = callback)
    const before = sockets()
    const settled = outcome(dialLoopback({ lookup }), 'one.test', door.port)
    vi.advanceTimersByTime(10_000)
    expect(await settled).toBe('DIAL_TIMEOUT')
    answer(new Error('late'), [])
    answer(null, [{ address: '127.0.0.1', family: 4 }])
    await turns()
    expect([sockets(), vi.getTimerCount()]).toEqual([before, 0])
    door.close()
  })

  it('is one for the lookup and the connect', async () => {
    await using deaf = await deafPort('127.0.0.1')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const before = sockets()
    let answer!: Parameters<Lookup>[2]
    const lookup: Lookup = (_host, _options, callback) => (answer = callback)
    const settled = outcome(dialLoopback({ lookup, deadlineMs: 1000 }), 'one.test', deaf.port)
    vi.advanceTimersByTime(600)
    answer(null, [{ address: '127.0.0.1', family: 4 }])
    await turns()
    expect(sockets()).toBeGreaterThan(before)
    vi.advanceTimersByTime(399)
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(1)
    expect(await settled).toBe('DIAL_TIMEOUT')
    await turns()
    expect([sockets(), vi.getTimerCount()]).toEqual([before, 0])
  })

  it('is of no concern once there is a conn', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const door = await Door.open()
    const conn = await dialLoopback()({ host: '127.0.0.1', port: door.port }, NEVER)
    expect(vi.getTimerCount()).toBe(0)
    conn.destroy()
    door.close()
  })

  it('does not hold up the failure of a lookup', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    expect(await outcome(dialLoopback({ lookup: failing('ENOTFOUND') }), 'one.test')).toBe(
      'DIAL_NAME_UNKNOWN',
    )
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the signal', () => {
  const left = new Error('the client left')

  it('that is aborted already dials nothing', async () => {
    const lookup = resolver('127.0.0.1')
    expect(await outcome(dialLoopback({ lookup }), 'one.test', 80, AbortSignal.abort(left))).toBe(left)
    expect(lookup.asked).toEqual([])
  })

  it('ends a lookup, a connect and the wait between two, with its reason, and leaves nothing', async () => {
    await using deaf = await deafPort('127.0.0.2')
    const before = sockets()
    const lookups: [Lookup, string][] = [
      [() => {}, 'one.test'],
      [resolver('127.0.0.2', '127.0.0.3'), 'one.test'],
      [resolver(), '127.0.0.2'],
    ]
    for (const [lookup, host] of lookups) {
      const abort = new AbortController()
      const settled = outcome(dialLoopback({ lookup }), host, deaf.port, abort.signal)
      await turns()
      abort.abort(left)
      expect(await settled).toBe(left)
      expect(getEventListeners(abort.signal, 'abort')).toEqual([])
    }
    await turns()
    expect(sockets()).toBe(before)
  })

  it('that comes in the turn of the success leaves no socket', async () => {
    const door = await Door.open()
    await turns()
    const before = sockets()
    for (let turnsToWait = 0; turnsToWait < 6; turnsToWait++) {
      const abort = new AbortController()
      const dialling = dialLoopback()({ host: '127.0.0.1', port: door.port }, abort.signal)
      const settled = dialling.then(
        (conn: Conn) => conn.destroy(),
        (error: unknown) => expect(error).toBe(left),
      )
      await turns(turnsToWait)
      abort.abort(left)
      await settled
      expect(getEventListeners(abort.signal, 'abort')).toEqual([])
    }
    // One more conn, behind which no other can still be in the queue.
    const last = await dialLoopback()({ host: '127.0.0.1', port: door.port }, NEVER)
    for (let from = 0; from !== last.local.port;) {
      const conn = await door.next()
      from = conn.remote.port
      conn.destroy()
    }
    last.destroy()
    door.close()
    await turns(20)
    expect(sockets()).toBe(before)
  })

  it('that comes while the error of an attempt is on its way starts no other attempt', async () => {
    const door = await Door.open()
    const ips = ['255.255.255.255', '127.0.0.1'].map((address) => ({ address, family: 4 }))
    const lookup: Lookup = (_host, _options, callback) => callback(null, ips)
    const policy = new AddressPolicy(['255.255.255.255', '127.0.0.1'])
    const dial = createDial({ policy, resolver: createResolver({ lookup }) })
    const before = sockets()
    const abort = new AbortController()
    const settled = outcome(dial, 'one.test', door.port, abort.signal)
    // The system refuses a broadcast address at once, so the error is told in the tick after the next.
    process.nextTick(() => abort.abort(left))
    expect(await settled).toBe(left)
    await turns()
    expect(sockets()).toBe(before)
    door.close()
  })

  it('is let go of once there is an outcome', async () => {
    const { signal } = new AbortController()
    const door = await Door.open()
    await outcome(dialLoopback(), '127.0.0.1', door.port, signal)
    await outcome(dialLoopback(), '127.0.0.1', freePort(), signal)
    await outcome(createDial({ policy: new AddressPolicy() }), '127.0.0.1', door.port, signal)
    expect(getEventListeners(signal, 'abort')).toEqual([])
    door.close()
  })
})

it('leaves nothing of itself on the sockets that it made', async () => {
  const door = await Door.open()
  const conn = await dialLoopback()({ host: '127.0.0.1', port: door.port }, NEVER)
  const { socket } = conn as SocketConn
  expect([socket.listenerCount('connect'), socket.listenerCount('error')]).toEqual([0, 1])
  conn.destroy()
  door.close()
})
