import { type Account, type Serving } from '@sluice/service'
import { FakeConn } from './testing/fake-conn.ts'
import { relayFrameDecoder, RELAY_STATUS, type RelayFrame } from '@sluice/wire/relay'
import { expect, it } from 'vitest'
import { ControlConn } from './control-conn.ts'
import { ControlDesk } from './control-desk.ts'
import { freshIdentity } from './identity.ts'
import { PRESETS } from './presets.ts'
import { RelayState } from './relay-state.ts'
import { ManualClock } from '@sluice/ratelimit'
import { PeerKey } from './known-keys.ts'
import { peerOf, type Who } from './who.ts'
import type { FarEnd } from './circuit-run.ts'

const decode = relayFrameDecoder(4096)
const PING = Buffer.of(0x12, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0)

interface Lab {
  readonly conn: FakeConn
  readonly control: ControlConn
  readonly over: Promise<void>
  /** What was written since this was last asked. */
  readonly frames: () => RelayFrame[]
  /** So many seconds, a sweep at the end of each. */
  readonly pass: (seconds: number) => void
}

const lab = ({ isSeed = false, patience = { pingMs: 30_000, idleMs: 120_000 } } = {}): Lab => {
  const clock = new ManualClock()
  const [identity, peer] = [freshIdentity(), freshIdentity()]
  const [limits, now] = [PRESETS.seed, (): number => clock.now() + 1]
  const state = new RelayState<ControlConn, FarEnd>({
    ...{ limits, clock, wallNow: Date.now, random: (size) => new Uint8Array(size), self: identity.id },
  })
  const desk = new ControlDesk({ identity, state, limits, patience, addresses: () => [], now })
  const who: Who = {
    ...peerOf(new PeerKey(peer.publicKey), '192.0.2.1'),
    ...{ account: {} as Account, credential: undefined, capabilities: 0, isSeed },
  }
  const conn = new FakeConn()
  const control = new ControlConn(desk, {
    conn,
    peer: who,
    first: { type: 'reserve', ttl: 0 },
    greeting: new Uint8Array(0),
  })
  const over = control.serve({ touch: () => {} } as unknown as Serving)
  const frames = (): RelayFrame[] => {
    const found: RelayFrame[] = []
    let bytes: Uint8Array = Buffer.concat(conn.written.splice(0))
    while (bytes.length > 0) {
      const { value, size } = decode(bytes)!
      found.push(value)
      bytes = bytes.subarray(size)
    }
    return found
  }
  const pass = (seconds: number): void => {
    for (let i = 0; i < seconds; i++) {
      clock.advance(1000)
      control.sweep(now())
    }
  }
  return { conn, control, over, frames, pass }
}

const typesOf = (frames: readonly RelayFrame[]): string[] => frames.map(({ type }) => type)

it('answers in one write, and takes no more from a peer that does not read', async () => {
  const { conn, control, over, frames, pass } = lab()
  expect(conn.written).toHaveLength(1)
  expect(typesOf(frames())).toEqual(['reserveResponse', 'reservation'])
  conn.isOpen = false
  conn.sink!.onData(PING)
  expect([typesOf(frames()), conn.paused]).toEqual([['pong'], true])
  // What the relay itself has to say waits.
  control.send({ type: 'notice', status: 0, text: 'one' })
  control.send({ type: 'notice', status: 0, text: 'two' })
  expect(frames()).toEqual([])
  conn.isOpen = true
  conn.sink!.onDrain()
  expect([frames(), conn.paused]).toMatchObject([[{ text: 'one' }, { text: 'two' }], false])
  conn.isOpen = false
  conn.sink!.onData(PING)
  pass(4)
  expect(conn.calls).toEqual([])
  pass(1)
  expect(conn.calls).toEqual(['reset'])
  await expect(over).rejects.toThrow('does not read')
})

it('keeps 64 frames for a peer that does not read, and no more', async () => {
  const { conn, control, over } = lab()
  conn.isOpen = false
  for (let i = 0; i < 65; i++) control.send({ type: 'notice', status: 0, text: '' })
  expect(conn.calls).toEqual([])
  control.send({ type: 'notice', status: 0, text: '' })
  expect(conn.calls).toEqual(['reset'])
  await expect(over).rejects.toThrow('does not read')
})

it('asks a peer that says nothing once, and gives it up in its time', async () => {
  const { conn, over, frames, pass } = lab({ patience: { pingMs: 3000, idleMs: 10_000 } })
  frames()
  pass(2)
  expect(frames()).toEqual([])
  pass(4)
  expect(typesOf(frames())).toEqual(['ping'])
  conn.sink!.onData(Buffer.of(0x13, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0))
  pass(3)
  expect(typesOf(frames())).toEqual(['ping'])
  pass(7)
  expect(frames()).toMatchObject([{ type: 'goaway', status: RELAY_STATUS.IDLE_TIMEOUT }])
  expect(conn.calls).toEqual(['end'])
  await expect(over).rejects.toMatchObject({ code: 'IDLE_TIMEOUT' })
})

it('does not keep a peer that holds nothing, whatever it says', async () => {
  const { conn, over, frames, pass } = lab({ patience: { pingMs: 0, idleMs: 10_000 } })
  const talk = (): void => {
    conn.sink!.onData(PING)
    pass(3)
  }
  for (let i = 0; i < 5; i++) talk()
  conn.sink!.onData(Buffer.of(0x08, 0, 0, 0))
  for (let i = 0; i < 3; i++) talk()
  expect(new Set(typesOf(frames()))).toEqual(new Set(['reserveResponse', 'reservation', 'pong']))
  conn.sink!.onData(PING)
  pass(1)
  expect(frames()).toMatchObject([{ type: 'pong' }, { type: 'goaway', status: RELAY_STATUS.IDLE_TIMEOUT }])
  await expect(over).rejects.toMatchObject({ code: 'IDLE_TIMEOUT' })
})

it('tells a peer that has said no HELLO nothing that it does not know', async () => {
  const { conn, control, over, frames } = lab({ isSeed: true })
  expect(typesOf(frames())).toEqual(['reserveResponse'])
  control.send({ type: 'notice', status: 0, text: '' })
  control.dismiss(RELAY_STATUS.REPLACED)
  expect(frames()).toEqual([])
  expect(conn.calls).toEqual(['end'])
  await expect(over).rejects.toMatchObject({ code: 'REPLACED' })
})

it('takes 64 frames in a second, and goes on with the rest in the next', () => {
  const { conn, frames, pass } = lab()
  frames()
  conn.sink!.onData(Buffer.concat(Array.from({ length: 100 }, () => PING)))
  // RESERVE was one of them.
  expect([frames().length, conn.paused]).toEqual([63, true])
  pass(1)
  expect([frames().length, conn.paused]).toEqual([37, false])
})
