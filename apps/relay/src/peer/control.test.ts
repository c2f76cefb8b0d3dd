import {
  type CircuitClosed,
  type Incoming,
  nodeIdOf,
  type Notice,
  type RelayFrame,
  type Reservation,
  RELAY_STATUS,
} from '@sluice/wire/relay'
import { expect, it } from 'vitest'
import { testIdentity } from '../testing/test-identity.ts'
import { WELCOME } from '../testing/fake-relay.ts'
import { ManualTiming } from '../testing/manual-timing.ts'
import { portPair } from '../testing/port-pair.ts'
import { Control } from './control.ts'

const { publicKey: sourceKey } = testIdentity()
const circuitId = new Uint8Array(16).fill(2)
const OFFER: Incoming = {
  type: 'incoming',
  circuitId,
  source: nodeIdOf(sourceKey),
  sourceKey,
  token: new Uint8Array(32).fill(3),
  acceptWithin: 10,
  duration: 0,
  data: 0,
}
const GRANT: Reservation = {
  type: 'reservation',
  expire: 1_800_000_000,
  ttl: 3600,
  slots: 4,
  duration: 120,
  data: 0,
  rate: 1000,
  voucher: new Uint8Array(0),
}
const OK: RelayFrame = { type: 'reserveResponse', status: RELAY_STATUS.OK, addresses: ['/here'] }

const stage = (pingInterval = 0) => {
  const [port, far] = portPair()
  const timing = new ManualTiming()
  const offers: Incoming[] = []
  const others: (CircuitClosed | Notice)[] = []
  const push = (frame: CircuitClosed | Notice): void => void others.push(frame)
  const events = { incoming: (offer: Incoming) => void offers.push(offer), closed: push, notice: push }
  const loggedIn = {
    welcome: { ...WELCOME, pingInterval },
    relayKey: sourceKey,
    relayId: nodeIdOf(sourceKey),
    capabilities: 1,
  }
  return { port, far, timing, offers, others, control: new Control(port, loggedIn, events, timing) }
}

it('reserves, and again for longer', async () => {
  const { control, far } = stage()
  for (const ttl of [0, 600]) {
    const held = control.reserve(ttl)
    expect(await far.read()).toEqual({ type: 'reserve', ttl })
    far.send(OK)
    far.send(GRANT)
    expect(await held).toEqual({ ...GRANT, addresses: ['/here'] })
  }
  control.release()
  expect(await far.read()).toEqual({ type: 'release' })
})

it('tells why it may not, in the words of a notice before or behind', async () => {
  const { control, far, others, timing } = stage()
  const status = RELAY_STATUS.RESERVATION_REFUSED
  const first = control.reserve(0)
  far.send({ type: 'reserveResponse', status, addresses: [] })
  await expect.poll(() => timing.due).toEqual([100])
  timing.advance(100)
  await expect(first).rejects.toMatchObject({
    code: 'RELAY_REFUSED',
    status,
    message: 'the relay refused: RESERVATION_REFUSED',
  })
  const second = control.reserve(0)
  const notice = { type: 'notice', status, text: 'reservations-total' } as const
  far.send(notice)
  far.send({ type: 'reserveResponse', status, addresses: [] })
  await expect(second).rejects.toThrow('RESERVATION_REFUSED, reservations-total')
  const third = control.reserve(0)
  far.send({ type: 'reserveResponse', status: RELAY_STATUS.RESOURCE_LIMIT_EXCEEDED, addresses: [] })
  far.send({ ...notice, status: RELAY_STATUS.RESOURCE_LIMIT_EXCEEDED, text: 'reservations-ip' })
  await expect(third).rejects.toThrow('RESOURCE_LIMIT_EXCEEDED, reservations-ip')
  const last = control.reserve(0)
  far.send({ type: 'reserveResponse', status: RELAY_STATUS.RATE_LIMITED, addresses: [] })
  await expect.poll(() => timing.due).toEqual([100])
  far.close()
  await expect(last).rejects.toThrow('RATE_LIMITED')
  expect([others.length, timing.due]).toEqual([2, []])
})

it('tells of circuits that are offered and closed, and rejects', async () => {
  const { control, far, offers, others } = stage()
  far.send(OFFER)
  await expect.poll(() => offers).toEqual([OFFER])
  control.reject(OFFER, RELAY_STATUS.REJECTED, 'busy')
  const rejected = { type: 'reject', status: RELAY_STATUS.REJECTED, circuitId, reason: 'busy' }
  expect(await far.read()).toEqual(rejected)
  const closed = { type: 'circuitClosed', status: 0, circuitId, up: 1, down: 2, ms: 3 } as const
  far.send(closed)
  await expect.poll(() => others).toEqual([closed])
})

it.each([
  ['a source that does not own its key', { ...OFFER, source: circuitId }],
  ['a response to nothing', OK],
  ['a reservation for nothing', GRANT],
  ['a frame of peers', { type: 'release' }],
] as [string, RelayFrame][])('ends with %s', async (_name, frame) => {
  const { control, far, port, offers } = stage()
  const padded = frame.type === 'incoming' ? { ...frame, source: new Uint8Array(32).fill(9) } : frame
  far.send(padded)
  expect(await control.ended).toMatchObject({ code: 'RELAY_PROTOCOL' })
  expect([port.closed, offers]).toEqual([await control.ended, []])
})

it('pings and answers pings', async () => {
  const { control, far, timing } = stage()
  const opaque = new Uint8Array(8).fill(5)
  far.send({ type: 'ping', opaque })
  expect(await far.read()).toEqual({ type: 'pong', opaque })
  const took = control.ping()
  const ping = await far.read()
  timing.advance(20)
  far.send({ ...ping, type: 'pong' } as RelayFrame)
  expect(await took).toBe(20)
})

it('pings as often as the relay wants, and gives up one that says nothing', async () => {
  const { control, far, timing, port } = stage(15)
  timing.advance(15_000)
  expect((await far.read()).type).toBe('ping')
  far.send({ type: 'pong', opaque: new Uint8Array(8) })
  await Promise.resolve()
  timing.advance(15_000)
  expect((await far.read()).type).toBe('ping')
  expect(port.closed).toBeUndefined()
  timing.advance(15_000)
  expect(await control.ended).toMatchObject({ code: 'RELAY_TIMEOUT' })
  expect(timing.due).toEqual([])
})

it('hears a GOAWAY and goes on until it ends; what waits ends with it', async () => {
  const { control, far, offers } = stage()
  const goaway = {
    type: 'goaway',
    status: RELAY_STATUS.SHUTTING_DOWN,
    reconnectAfterMs: 5,
    tryForMs: 9,
    address: '',
  } as const
  far.send(goaway)
  expect(await control.sentAway).toEqual(goaway)
  far.send(OFFER)
  await expect.poll(() => offers.length).toBe(1)
  const waiting = [control.reserve(0), control.ping()]
  far.close()
  const error = { code: 'RELAY_CLOSED' }
  for (const one of waiting) await expect(one).rejects.toMatchObject(error)
  expect(await control.ended).toMatchObject(error)
})
