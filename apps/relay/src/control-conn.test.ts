import type { Serving } from '@sluice/service'
import { ManualClock } from '@sluice/ratelimit'
import { RELAY_STATUS, type RelayFrame } from '@sluice/wire/relay'
import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import type { FarEnd } from './circuit-run.ts'
import { ControlConn } from './control-conn.ts'
import { ControlDesk } from './control-desk.ts'
import { freshIdentity } from './identity.ts'
import { PRESETS } from './presets.ts'
import { RelayState } from './relay-state.ts'
import { FakeConn } from './testing/fake-conn.ts'
import { peerOf } from './testing/state-world.ts'
import type { Who } from './who.ts'

const NOTICE: RelayFrame = { type: 'notice', status: RELAY_STATUS.OK, text: 'so' }

interface World {
  readonly conn: FakeConn
  readonly control: ControlConn
  readonly served: Promise<string>
  readonly state: RelayState<ControlConn, FarEnd>
}

/** A control conn that has reserved, and whose peer reads nothing from then on. */
const deaf = (): World => {
  const identity = freshIdentity()
  const clock = new ManualClock()
  clock.advance(1)
  const limits = PRESETS.private
  const state = new RelayState<ControlConn, FarEnd>({
    ...{ limits, clock, wallNow: () => 0, random: randomBytes, self: identity.id },
  })
  const desk = new ControlDesk({
    ...{ identity, state, limits, patience: { pingMs: 0, idleMs: 0 } },
    ...{ addresses: () => [], now: () => clock.now() },
  })
  const who: Who = {
    ...peerOf(1),
    account: undefined as never,
    credential: undefined,
    capabilities: 0,
    isSeed: false,
  }
  const conn = new FakeConn()
  const control = new ControlConn(desk, conn, who, { type: 'reserve', ttl: 0 })
  const session = { touch: () => {}, onStop: undefined, onShutdown: undefined } as unknown as Serving
  const served = control.serve(session).then(
    () => 'OK',
    (error: unknown) => String(Object(error).code),
  )
  conn.isOpen = false
  return { conn, control, served, state }
}

it('keeps 64 frames for a peer that does not read, and gives it up at the next', async () => {
  const { conn, control, served, state } = deaf()
  for (let n = 0; n < 65; n += 1) control.send(NOTICE)
  expect([conn.calls, conn.paused, state.reservations.size]).toEqual([[], true, 1])
  control.send(NOTICE)
  expect(await served).toBe('CLIENT_RESET')
  expect([conn.calls, state.reservations.size]).toEqual([['reset'], 0])
})

it('gives a peer up that takes nothing for 5 s, and asks nothing more of it meanwhile', async () => {
  const { conn, control, served } = deaf()
  control.sweep(1)
  control.send(NOTICE)
  const { length } = conn.written
  control.sweep(4999)
  expect([conn.calls, conn.written.length]).toEqual([[], length])
  control.sweep(6000)
  expect(await served).toBe('CLIENT_RESET')
})

it('sends what waits in its order once the peer reads again', () => {
  const { conn, control } = deaf()
  for (let n = 0; n < 10; n += 1) control.send({ type: 'ping', opaque: new Uint8Array(8).fill(n) })
  expect(conn.paused).toBe(true)
  conn.isOpen = true
  conn.sink!.onDrain()
  expect(conn.written.slice(-10).map((frame) => frame[4])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(conn.paused).toBe(false)
  control.dismiss(RELAY_STATUS.REPLACED)
})
