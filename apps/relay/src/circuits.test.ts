import { RELAY_STATUS } from '@sluice/wire/relay'
import { describe, expect, it } from 'vitest'
import type { Circuit } from './circuit.ts'
import { PRESETS } from './presets.ts'
import { FakeControl, peerOf, refusalOf, RELAY, stateWorld, type StateWorld } from './testing/state-world.ts'

const SOURCE = peerOf(1)
const MINUTE = 60_000
const at = (octet: number): string => peerOf(octet).id

function reserved(world: StateWorld, octet: number): FakeControl {
  const control = new FakeControl(octet)
  world.state.reservations.reserve(control)
  return control
}

function accepted(world: StateWorld, control: FakeControl): Circuit<string> {
  const { circuitId, token } = control.heard('incoming').at(-1)!
  return world.state.circuits.accept(control.peer, circuitId, token)
}

function opened(world: StateWorld, control: FakeControl, source = SOURCE): Circuit<string> {
  const circuit = world.state.circuits.connect(source, control.peer.id)
  accepted(world, control).open('its conn')
  return circuit
}

const connect = (world: StateWorld, from: number, to: number): string =>
  refusalOf(() => world.state.circuits.connect(peerOf(from), at(to)))

describe('a circuit', () => {
  it('goes from CONNECT over INCOMING and ACCEPT to the conn in the hands of its source', async () => {
    const world = stateWorld()
    const control = reserved(world, 2)
    const circuit = world.state.circuits.connect(SOURCE, control.peer.id)
    expect(control.heard('incoming')).toEqual([
      {
        type: 'incoming',
        circuitId: circuit.id,
        source: SOURCE.nodeId,
        sourceKey: SOURCE.publicKey,
        token: expect.any(Uint8Array) as Uint8Array,
        acceptWithin: 10,
        duration: 120,
        data: 0,
      },
    ])
    expect([circuit.state, world.state.circuits.pending]).toEqual(['pending', 1])
    expect(accepted(world, control)).toBe(circuit)
    expect([circuit.state, world.state.circuits.pending]).toEqual(['accepted', 1])
    expect(circuit.open('its conn')).toBe(true)
    expect([circuit.state, world.state.circuits.pending]).toEqual(['open', 0])
    await expect(circuit.accepted).resolves.toBe('its conn')
    expect(circuit.terms).toEqual({ duration: 120, data: 0, rate: 1_000_000 })
  })

  it('tells of no more ms than a frame has room for, however long it lasted', () => {
    const world = stateWorld({ durationMs: 0, reservationTtlMs: 2 ** 33 })
    const destination = reserved(world, 2)
    const circuit = opened(world, destination)
    world.clock.advance(2 ** 32 + 5)
    circuit.close(RELAY_STATUS.OK)
    expect(destination.heard('circuitClosed')).toMatchObject([{ ms: 2 ** 32 - 1 }])
  })

  it('tells the control conns of both ends how it ended and what passed', () => {
    const world = stateWorld()
    const [source, destination] = [reserved(world, 1), reserved(world, 2)]
    const circuit = opened(world, destination)
    world.clock.advance(1500)
    expect(circuit.close(RELAY_STATUS.OK, { up: 10, down: 20 })).toBe(true)
    const told = { type: 'circuitClosed', status: 0, circuitId: circuit.id, up: 10, down: 20, ms: 1500 }
    expect(source.heard('circuitClosed')).toEqual([told])
    expect(destination.heard('circuitClosed')).toEqual([told])
    expect(world.events).toEqual(['opened', 'opened', 'opened', 'closed'])
  })

  it('gives back what it had once, however often it is closed', () => {
    const world = stateWorld()
    const circuit = opened(world, reserved(world, 2))
    expect(circuit.close(RELAY_STATUS.OK)).toBe(true)
    expect(circuit.close(RELAY_STATUS.OK)).toBe(false)
    circuit.cut(RELAY_STATUS.ADMIN_CLOSED)
    const { circuits } = world.state
    expect([circuits.size, circuits.of(at(1)), circuits.of(at(2)), circuit.status]).toEqual([0, 0, 0, 0])
    expect(circuit.signal.aborted).toBe(false)
  })

  it('fails at the accept deadline, when no ACCEPT counts any more', async () => {
    const world = stateWorld()
    const control = reserved(world, 2)
    const circuit = world.state.circuits.connect(SOURCE, control.peer.id)
    world.clock.advance(10_000)
    await expect(circuit.accepted).rejects.toMatchObject({ code: 'TIMEOUT', status: RELAY_STATUS.TIMEOUT })
    expect(refusalOf(() => accepted(world, control))).toBe('INVALID_TOKEN')
    expect(control.heard('circuitClosed')).toMatchObject([{ status: RELAY_STATUS.TIMEOUT }])
    expect(world.clock.timers).toBe(1)
  })

  it('fails at that deadline too where the conn came, but was not served in time', async () => {
    const world = stateWorld()
    const circuit = world.state.circuits.connect(SOURCE, reserved(world, 2).peer.id)
    accepted(world, world.state.reservations.find(at(2))!.control)
    world.clock.advance(10_000)
    expect(circuit.open('its conn')).toBe(false)
    await expect(circuit.accepted).rejects.toMatchObject({ code: 'TIMEOUT' })
  })

  it('goes by the clock at that deadline, not by its timer', () => {
    const world = stateWorld()
    const control = reserved(world, 2)
    const [claimed, waiting] = [1, 3].map((octet) => world.state.circuits.connect(peerOf(octet), at(2)))
    const [first] = control.heard('incoming')
    world.state.circuits.accept(control.peer, first!.circuitId, first!.token)
    Object.assign(world.clock, { now: () => 10_000 })
    expect(claimed!.open('its conn')).toBe(false)
    expect(refusalOf(() => accepted(world, control))).toBe('INVALID_TOKEN')
    expect(waiting!.state).toBe('pending')
  })

  it('fails with the reason of a destination that rejects, which needs not be told of the end', async () => {
    const world = stateWorld()
    const control = reserved(world, 2)
    const circuit = world.state.circuits.connect(SOURCE, control.peer.id)
    expect(world.state.circuits.reject(peerOf(3), circuit.id)).toBe(false)
    expect(world.state.circuits.reject(control.peer, circuit.id, 'busy')).toBe(true)
    expect(world.state.circuits.reject(control.peer, circuit.id)).toBe(false)
    await expect(circuit.accepted).rejects.toMatchObject({ code: 'REJECTED', reason: 'busy' })
    expect(control.heard('circuitClosed')).toEqual([])
    expect(world.events.at(-1)).toBe('failed')
  })

  it('whose source leaves while it waits is over, and the destination told', () => {
    const world = stateWorld()
    const [source, control] = [reserved(world, 1), reserved(world, 2)]
    world.state.circuits.connect(SOURCE, control.peer.id).close(RELAY_STATUS.PEER_RESET)
    expect(source.frames).toEqual([])
    expect(refusalOf(() => accepted(world, control))).toBe('INVALID_TOKEN')
    expect(control.heard('circuitClosed')).toMatchObject([{ status: RELAY_STATUS.PEER_RESET }])
    expect([world.state.circuits.size, world.state.circuits.pending]).toEqual([0, 0])
  })

  it('that waits fails at once when the control conn of its destination is gone', async () => {
    const world = stateWorld()
    const control = reserved(world, 2)
    const other = reserved(world, 3)
    const [lost, kept] = [2, 3].map((octet) => world.state.circuits.connect(SOURCE, at(octet)))
    world.state.leave(control)
    await expect(lost!.accepted).rejects.toMatchObject({ code: 'CONNECTION_FAILED' })
    expect([kept!.state, other.frames.length]).toEqual(['pending', 1])
  })

  it('waits on where another control conn has replaced that of its destination', () => {
    const world = stateWorld()
    const old = reserved(world, 2)
    const circuit = world.state.circuits.connect(SOURCE, at(2))
    const next = reserved(world, 2)
    world.state.leave(old)
    expect(accepted(world, old).open('its conn')).toBe(true)
    circuit.close(RELAY_STATUS.OK)
    expect(next.heard('circuitClosed')).toHaveLength(1)
  })

  it('that is open is cut when its time is up, for the first reason there was', () => {
    const world = stateWorld({ durationMs: 5000 })
    const circuit = opened(world, reserved(world, 2))
    world.clock.advance(4999)
    expect(circuit.signal.aborted).toBe(false)
    world.clock.advance(1)
    expect([circuit.signal.aborted, circuit.state, world.state.circuits.size]).toEqual([true, 'open', 1])
    circuit.cut(RELAY_STATUS.ADMIN_CLOSED)
    circuit.close(RELAY_STATUS.PEER_RESET)
    expect(circuit.status).toBe(RELAY_STATUS.DURATION_LIMIT)
  })

  it('has no end of its own where there is no limit', () => {
    const world = stateWorld(PRESETS.private)
    const circuit = opened(world, reserved(world, 2))
    expect(world.clock.timers).toBe(1)
    world.clock.advance(30 * MINUTE)
    expect(circuit.state).toBe('open')
  })

  it('keeps the terms that its peers were told', () => {
    const world = stateWorld()
    const circuit = opened(world, reserved(world, 2))
    world.state.set({ ...PRESETS.seed, durationMs: 1000, rate: 1 })
    expect(circuit.terms).toEqual({ duration: 120, data: 0, rate: 1_000_000 })
    world.clock.advance(2 * MINUTE - 1)
    expect(circuit.signal.aborted).toBe(false)
  })
})

describe('a token', () => {
  const waiting = (): { world: StateWorld; control: FakeControl } => {
    const world = stateWorld()
    const control = reserved(world, 2)
    world.state.circuits.connect(SOURCE, control.peer.id)
    return { world, control }
  }

  it('counts once', () => {
    const { world, control } = waiting()
    accepted(world, control)
    expect(refusalOf(() => accepted(world, control))).toBe('INVALID_TOKEN')
  })

  it('counts for its circuit and its NodeID alone, and is not used up by a wrong attempt', () => {
    const { world, control } = waiting()
    const { circuitId, token } = control.heard('incoming')[0]!
    const { circuits } = world.state
    const other = new Uint8Array(16).fill(9)
    expect(refusalOf(() => circuits.accept(peerOf(3), circuitId, token))).toBe('INVALID_TOKEN')
    expect(refusalOf(() => circuits.accept(SOURCE, circuitId, token))).toBe('INVALID_TOKEN')
    expect(refusalOf(() => circuits.accept(control.peer, other, token))).toBe('INVALID_TOKEN')
    for (const wrong of [token.with(31, 1), token.subarray(1), new Uint8Array(0)]) {
      expect(refusalOf(() => circuits.accept(control.peer, circuitId, wrong))).toBe('INVALID_TOKEN')
    }
    expect(refusalOf(() => accepted(world, control))).toBe('OK')
  })
})

describe('CONNECT is refused', () => {
  it('without a reservation, and once it has been released or has expired', () => {
    const world = stateWorld()
    expect(connect(world, 1, 2)).toBe('NO_RESERVATION')
    world.state.reservations.release(reserved(world, 2))
    expect(connect(world, 1, 2)).toBe('NO_RESERVATION')
    reserved(world, 3)
    world.clock.advance(60 * MINUTE)
    expect(connect(world, 1, 3)).toBe('NO_RESERVATION')
  })

  it('to oneself, to the relay, and to a relay behind a relay', () => {
    const world = stateWorld()
    reserved(world, 1)
    expect(connect(world, 1, 1)).toBe('MALFORMED_MESSAGE')
    expect(refusalOf(() => world.state.circuits.connect(SOURCE, RELAY.id))).toBe('PERMISSION_DENIED')
    expect(refusalOf(() => world.state.circuits.connect(RELAY, at(1)))).toBe('PERMISSION_DENIED')
  })

  it.each([
    [{ circuits: 1 }, [[1, 2], [3, 4]], 'circuits-total'], // prettier-ignore
    [{ circuitsPerIp: 1 }, [[1, 2], [3, 4]], 'circuits-ip'], // prettier-ignore
    [{ circuitsPerPeer: 1 }, [[1, 2], [1, 4]], 'circuits-source'], // prettier-ignore
    [{ circuitsPerPeer: 1 }, [[1, 2], [3, 2]], 'circuits-destination'], // prettier-ignore
    [{ circuitsPerPeer: 1 }, [[1, 2], [2, 4]], 'circuits-source'], // prettier-ignore
    [{ circuitsPerPeer: 1 }, [[1, 2], [3, 1]], 'circuits-destination'], // prettier-ignore
    [{ pendingPerPeer: 1 }, [[1, 2], [3, 2]], 'pending'], // prettier-ignore
  ] as const)('beyond %o', (limits, [first, second], limit) => {
    const world = stateWorld(limits)
    for (const octet of [1, 2, 4]) reserved(world, octet)
    expect(connect(world, first[0], first[1])).toBe('OK')
    expect(connect(world, second[0], second[1])).toBe(`RESOURCE_LIMIT_EXCEEDED ${limit}`)
    world.state.circuits.list()[0]!.close(RELAY_STATUS.OK)
    expect(connect(world, second[0], second[1])).toBe('OK')
  })

  it('from one network beyond its limit, whatever the keys, while another may go on', () => {
    const world = stateWorld({ circuitsPerIp: 1 })
    reserved(world, 9)
    const from = (octet: number, ip: string): string =>
      refusalOf(() => world.state.circuits.connect(peerOf(octet, ip), at(9)))
    expect(from(1, '2001:db8:0:1::1')).toBe('OK')
    expect(from(2, '2001:db8:0:1:2::3')).toBe('RESOURCE_LIMIT_EXCEEDED circuits-ip')
    expect([from(3, '2001:db8:0:2::1'), from(4, '192.0.2.7')]).toEqual(['OK', 'OK'])
  })

  it('to those who ask too often, whatever for, until the time that they are told', () => {
    const world = stateWorld({ connectsPerMinute: 2 })
    expect([connect(world, 1, 2), connect(world, 1, 2)]).toEqual(['NO_RESERVATION', 'NO_RESERVATION'])
    expect(connect(world, 1, 2)).toBe('RATE_LIMITED connect-rate')
    expect(connect(world, 3, 2)).toBe('NO_RESERVATION')
    world.clock.advance(30_000)
    expect([connect(world, 1, 2), connect(world, 1, 2)]).toEqual([
      'NO_RESERVATION',
      'RATE_LIMITED connect-rate',
    ])
    world.state.set({ ...PRESETS.seed, connectsPerMinute: 0 })
    expect(connect(world, 1, 2)).toBe('NO_RESERVATION')
  })

  it('while the relay drains', () => {
    const world = stateWorld()
    reserved(world, 2)
    world.state.drain()
    expect(connect(world, 1, 2)).toBe('SHUTTING_DOWN')
  })
})
