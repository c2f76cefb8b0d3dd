import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { cap, type RelayLimits, termsOf } from './limits.ts'
import { PRESET_NAMES, PRESETS } from './presets.ts'

it('0 is no limit', () => {
  expect([cap(0), cap(1)]).toEqual([Infinity, 1])
})

it('both ends are told seconds and octets, rounded up, as far as a frame can say', () => {
  expect(termsOf({ ...PRESETS.seed, durationMs: 1500, dataBytes: 7, rate: 0.5 })).toEqual({
    duration: 2,
    data: 7,
    rate: 1,
  })
  expect(termsOf({ ...PRESETS.seed, durationMs: 1e15, rate: 1e12 })).toMatchObject({
    duration: 0xffff_ffff,
    rate: 0xffff_ffff,
  })
  expect(termsOf(PRESETS.private)).toEqual({ duration: 0, data: 0, rate: 0 })
})

const ROWS: Readonly<Record<string, (limits: RelayLimits) => number>> = {
  Reservations: ({ reservations }) => reservations,
  'Reservations of an IPv4 address, IPv6 /64': ({ reservationsPerIp }) => reservationsPerIp,
  'Circuits, waiting ones included': ({ circuits }) => circuits,
  'Circuits from an IPv4 address, IPv6 /64': ({ circuitsPerIp }) => circuitsPerIp,
  'Circuits of a peer, in either role': ({ circuitsPerPeer }) => circuitsPerPeer,
  'Circuits that wait for one destination': ({ pendingPerPeer }) => pendingPerPeer,
  'CONNECTs of a peer in a minute': ({ connectsPerMinute }) => connectsPerMinute,
  'Longest life of a reservation, s': ({ reservationTtlMs }) => reservationTtlMs / 1000,
  'Duration of a circuit, s': ({ durationMs }) => durationMs / 1000,
  'Payload of a circuit, octets each way': ({ dataBytes }) => dataBytes,
  'Rate of a circuit, octets/s each way': ({ rate }) => rate,
  'Rate of all circuits, octets/s each way': ({ globalRate }) => globalRate,
  'Time for ACCEPT, s': ({ acceptMs }) => acceptMs / 1000,
  'Circuit without payload, s': ({ idleMs }) => idleMs / 1000,
}

it('the presets are those of the document', () => {
  const page = readFileSync(new URL('../../../docs/protocols/relay.md', import.meta.url), 'utf8')
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter((cells) => Object.hasOwn(ROWS, cells[1]!))
  expect(rows.map((cells) => cells[1])).toEqual(Object.keys(ROWS))
  expect(Object.keys(ROWS).length).toBe(Object.keys(PRESETS.seed).length)
  for (const cells of rows) {
    const values = PRESET_NAMES.map((name) => ROWS[cells[1]!]!(PRESETS[name]))
    expect([cells[1], ...cells.slice(3, 6).map(Number)]).toEqual([cells[1], ...values])
  }
})
