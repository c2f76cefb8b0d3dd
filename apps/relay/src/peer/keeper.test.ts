import { nodeIdOf, RELAY_STATUS, type RelayFrame } from '@sluice/wire/relay'
import { expect, it } from 'vitest'
import { testIdentity } from '../testing/test-identity.ts'
import { WELCOME } from '../testing/fake-relay.ts'
import { ManualTiming } from '../testing/manual-timing.ts'
import { type MemoryPort, portPair } from '../testing/port-pair.ts'
import { Keeper } from './keeper.ts'
import { PeerError } from './peer-error.ts'

const { publicKey: relayKey } = testIdentity()
const LOGGED_IN = { welcome: WELCOME, relayKey, relayId: nodeIdOf(relayKey), capabilities: 1 }
const TTL = 1000
const OK: RelayFrame = { type: 'reserveResponse', status: 0, addresses: ['/here'] }
const GRANT: RelayFrame = {
  type: 'reservation',
  expire: 1_800_000_000,
  ttl: TTL,
  slots: 0,
  duration: 0,
  data: 0,
  rate: 0,
  voucher: new Uint8Array(0),
}
const goaway = (status: number, tryForMs: number, address = ''): RelayFrame => ({
  type: 'goaway',
  status,
  reconnectAfterMs: 100,
  tryForMs,
  address,
})

const stage = (open?: (address: string) => Promise<never>) => {
  const timing = new ManualTiming()
  const relays: MemoryPort[] = []
  const told: string[] = []
  const dialled: string[] = []
  const dial = (address: string) => {
    dialled.push(address)
    if (open !== undefined) return open(address)
    const [port, far] = portPair()
    relays.push(far)
    return Promise.resolve({ port, loggedIn: LOGGED_IN })
  }
  const events = {
    incoming: () => {},
    held: () => void told.push('held'),
    lost: (error: Error, ms: number) =>
      void told.push(`lost ${error instanceof PeerError ? error.code : error.message} ${ms}`),
  }
  const keeper = new Keeper({ open: dial, events, timing })
  const final = keeper.ended.then(
    () => 'stopped',
    (error: PeerError) => error,
  )
  /** The relay's end of the nth connection, whose RESERVE has come. */
  const reserved = async (n: number, ...answer: RelayFrame[]): Promise<MemoryPort> => {
    await expect.poll(() => relays.length).toBe(n)
    const far = relays[n - 1]!
    expect(await far.read()).toEqual({ type: 'reserve', ttl: 0 })
    for (const frame of answer) far.send(frame)
    return far
  }
  return { timing, relays, told, dialled, keeper, final, reserved }
}

it('holds a reservation, refreshes it at 75 to 80 % of its life and gives it up', async () => {
  const { timing, told, keeper, final, reserved } = stage()
  const far = await reserved(1, OK, GRANT)
  await expect.poll(() => keeper.held?.addresses).toEqual(['/here'])
  for (const [chance, share] of [
    [0, 0.775],
    [1, 0.75],
    [0, 0.8],
  ] as const) {
    timing.chance = chance
    expect(timing.due).toEqual([TTL * 1000 * share])
    timing.advance(TTL * 1000 * share)
    expect(await far.read()).toEqual({ type: 'reserve', ttl: 0 })
    expect(keeper.held).toBeDefined()
    far.send(OK)
    far.send(GRANT)
    const times = told.length
    await expect.poll(() => told.length).toBe(times + 1)
  }
  keeper.stop()
  keeper.stop()
  expect(await far.read()).toEqual({ type: 'release' })
  expect([await final, far.closed?.message, keeper.held]).toEqual([
    'stopped',
    'the other end closed',
    undefined,
  ])
  expect([timing.due, new Set(told)]).toEqual([[], new Set(['held'])])
})

it('gets it back after a loss, with pauses that grow up to 8 s', async () => {
  const { timing, relays, told, reserved, keeper } = stage()
  timing.chance = 1
  const far = await reserved(1, OK, GRANT)
  await expect.poll(() => told).toEqual(['held'])
  far.close()
  for (const [index, ms] of [500, 1000, 2000, 4000, 8000, 8000].entries()) {
    await expect.poll(() => told.at(-1)).toBe(`lost RELAY_CLOSED ${ms}`)
    expect([told.length, keeper.held]).toEqual([index + 2, undefined])
    timing.advance(ms - 1)
    expect(relays.length).toBe(index + 1)
    timing.advance(1)
    const next = await reserved(index + 2)
    if (ms !== 8000) next.close()
    else if (index === 4) next.close()
    else for (const frame of [OK, GRANT]) next.send(frame)
  }
  await expect.poll(() => told.at(-1)).toBe('held')
  relays.at(-1)!.close()
  await expect.poll(() => told.at(-1)).toBe('lost RELAY_CLOSED 500')
})

it('has the new one before it gives up the old, where the relay sends it away', async () => {
  const { timing, dialled, told, reserved, keeper } = stage()
  const far = await reserved(1, OK, GRANT)
  await expect.poll(() => told).toEqual(['held'])
  far.send(goaway(RELAY_STATUS.REDIRECT, 60_000, 'tls://192.0.2.1:1'))
  // 100 ms, and as many again by chance: half of them here.
  await expect.poll(() => timing.due).toEqual([150])
  timing.advance(150)
  const next = await reserved(2)
  expect(far.closed).toBeUndefined()
  for (const frame of [OK, GRANT]) next.send(frame)
  await expect.poll(() => told).toEqual(['held', 'held'])
  expect(far.closed).toBeDefined()
  expect([dialled, next.closed, keeper.held?.ttl]).toEqual([['', 'tls://192.0.2.1:1'], undefined, TTL])
})

it('waits no longer than an hour for a relay, and always a little', async () => {
  const { timing, told, reserved } = stage()
  timing.chance = 0
  let far = await reserved(1, OK, GRANT)
  await expect.poll(() => told.length).toBe(1)
  for (const [reconnectAfterMs, ms] of [
    [2 ** 32 - 1, 3_600_000],
    [0, 100],
  ] as const) {
    const frame = { type: 'goaway', status: RELAY_STATUS.REDIRECT, tryForMs: 1, address: '' } as const
    far.send({ ...frame, reconnectAfterMs })
    await expect.poll(() => timing.due).toEqual([ms])
    timing.advance(ms)
    const times = told.length
    far = await reserved(times + 1, OK, GRANT)
    await expect.poll(() => told.length).toBe(times + 1)
  }
})

it.each([
  ['another process with its identity', goaway(RELAY_STATUS.REPLACED, 60_000), RELAY_STATUS.REPLACED],
  ['a relay that does not want it back', goaway(RELAY_STATUS.ADMIN_CLOSED, 0), RELAY_STATUS.ADMIN_CLOSED],
])('does not fight %s', async (_name, frame, status) => {
  const { told, reserved, final, timing } = stage()
  const far = await reserved(1, OK, GRANT)
  far.send(frame)
  expect(await final).toMatchObject({ code: 'RELAY_GOAWAY', status })
  expect([told, timing.due, far.closed !== undefined]).toEqual([['held'], [], true])
})

it('tries again at a relay that shuts down without a word about later', async () => {
  const { told, reserved } = stage()
  const far = await reserved(1, OK, GRANT)
  far.send(goaway(RELAY_STATUS.SHUTTING_DOWN, 0))
  await expect.poll(() => told).toEqual(['held', 'lost RELAY_GOAWAY 1125'])
})

it.each([
  ['RELAY_IDENTITY', undefined],
  ['RELAY_REFUSED', RELAY_STATUS.PERMISSION_DENIED],
  ['RELAY_REFUSED', RELAY_STATUS.INVALID_TOKEN],
] as const)('does not ask again what was refused for good: %s %s', async (code, status) => {
  const { final, told } = stage(() => Promise.reject(new PeerError(code, 'no', { status })))
  expect([await final, told]).toEqual([expect.objectContaining({ code, status }), []])
})

it('asks again what may change, after as long as it was told', async () => {
  const { timing, told, dialled, keeper, final } = stage(() =>
    Promise.reject(
      new PeerError('RELAY_REFUSED', 'full', {
        status: RELAY_STATUS.RESOURCE_LIMIT_EXCEEDED,
        retryAfter: 30,
      }),
    ),
  )
  await expect.poll(() => told).toEqual(['lost RELAY_REFUSED 33750'])
  timing.advance(33_750)
  await expect.poll(() => dialled.length).toBe(2)
  await expect.poll(() => timing.due.length).toBe(1)
  keeper.stop()
  expect([await final, timing.due]).toEqual(['stopped', []])
})

it('asks again at a relay that it has held, whatever that says now', async () => {
  const { told, reserved, timing } = stage()
  const far = await reserved(1, OK, GRANT)
  await expect.poll(() => told).toEqual(['held'])
  far.close()
  await expect.poll(() => timing.due.length).toBe(1)
  timing.advance(500)
  await reserved(2, { type: 'reserveResponse', status: RELAY_STATUS.PERMISSION_DENIED, addresses: [] })
  // For a reason, which may come behind.
  await expect.poll(() => timing.due).toContain(100)
  timing.advance(100)
  await expect.poll(() => told.at(-1)).toBe('lost RELAY_REFUSED 750')
})

it('does not wait for ever for an answer', async () => {
  const { told, reserved, timing } = stage()
  await reserved(1)
  expect(timing.due).toEqual([10_000])
  timing.advance(10_000)
  await expect.poll(() => told).toEqual(['lost RELAY_TIMEOUT 375'])
})

it('gives up a connection that comes after it was stopped', async () => {
  const { keeper, final, relays } = stage()
  keeper.stop()
  expect(await final).toBe('stopped')
  expect(relays[0]?.closed).toBeDefined()
})
