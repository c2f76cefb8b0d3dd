import { readFileSync } from 'node:fs'
import { createPublicKey, verify } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { hex } from '../testing/hex.ts'
import {
  CLIENT_PROOF,
  DESTINATION,
  type ExampleKey,
  exampleFrames,
  RELAY,
  RELAY_PROOF,
  SOURCE,
  VOUCHER_PROOF,
} from '../testing/relay-example.ts'
import { decodeRelayFrame } from '../testing/relay-codecs.ts'
import {
  clientProof,
  decodeVoucher,
  encodeRelayFrame,
  FRAME,
  formatCircuitAddress,
  formatNodeId,
  formatRelayUrl,
  NO_BINDING,
  parseCircuitAddress,
  parseNodeId,
  parseRelayUrl,
  RELAY_STATUS,
  type RelayFrameOf,
  relayProof,
  voucherProof,
} from './index.ts'

// docs/protocols/relay.md is enough to write a client from, so what it shows has to be what is done here.

const page = readFileSync(new URL('../../../../docs/protocols/relay.md', import.meta.url), 'utf8')
const blocks = new Map(
  [...page.matchAll(/^```hex (?!noise)(\S+)\n(.*?)^```$/gms)].map(([, name, body]) => [name!, hex(body!)]),
)
const rest: Readonly<Record<string, Uint8Array>> = {
  'key-relay': RELAY.publicKey,
  'id-relay': RELAY.nodeId,
  'key-source': SOURCE.publicKey,
  'id-source': SOURCE.nodeId,
  'key-destination': DESTINATION.publicKey,
  'id-destination': DESTINATION.nodeId,
  'proof-relay': RELAY_PROOF,
  'proof-client': CLIENT_PROOF,
  'proof-voucher': VOUCHER_PROOF,
}
const shown = <K extends keyof typeof FRAME_OF>(name: K): (typeof FRAME_OF)[K] =>
  decodeRelayFrame(blocks.get(name)!)!.value as (typeof FRAME_OF)[K]
declare const FRAME_OF: {
  HELLO: RelayFrameOf<'hello'>
  CHALLENGE: RelayFrameOf<'challenge'>
  AUTH: RelayFrameOf<'auth'>
  RESERVATION: RelayFrameOf<'reservation'>
}

/** The rows below the heading of a table, as cells without quotes. */
const rowsOf = (first: string, second: string): string[][] => {
  const lines = page.split('\n')
  const start = lines.findIndex((line) => {
    const cells = cellsOf(line)
    return cells[0] === first && cells[1] === second
  })
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'))
  return lines.slice(start + 2, end).map(cellsOf)
}
const cellsOf = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.replaceAll('`', '').trim())

test('every example is known here, and all that is known here is shown', () => {
  expect([...blocks.keys()].toSorted()).toEqual(
    [...Object.keys(exampleFrames), ...Object.keys(rest)].toSorted(),
  )
})

describe('the frames', () => {
  test.each(Object.entries(exampleFrames))('%s', (name, frame) => {
    const bytes = blocks.get(name)!
    expect(decodeRelayFrame(bytes)).toEqual({ value: frame, size: bytes.length })
    expect(encodeRelayFrame(frame)).toEqual(bytes)
  })

  test('are at least one of each type', () => {
    const types = Object.keys(exampleFrames).map((name) => blocks.get(name)![0])
    expect(new Set(types)).toEqual(new Set(Object.values(FRAME)))
  })
})

test.each(Object.entries(rest))('%s', (name, bytes) => {
  expect(blocks.get(name)).toEqual(bytes)
})

describe('the signatures', () => {
  const isGood = (proof: Uint8Array, { key }: ExampleKey, signature: Uint8Array): boolean =>
    verify(null, proof, createPublicKey(key), signature)

  test('of the relay, of the client and of the voucher are good, over what is shown', () => {
    const [hello, challenge, auth] = [shown('HELLO'), shown('CHALLENGE'), shown('AUTH')]
    expect(relayProof(hello, challenge, NO_BINDING)).toEqual(blocks.get('proof-relay'))
    expect(clientProof(hello, challenge, NO_BINDING)).toEqual(blocks.get('proof-client'))
    expect(isGood(blocks.get('proof-relay')!, RELAY, challenge.signature)).toBe(true)
    expect(isGood(blocks.get('proof-client')!, DESTINATION, auth.signature)).toBe(true)
    const voucher = decodeVoucher(shown('RESERVATION').voucher)
    expect(voucherProof(voucher)).toEqual(blocks.get('proof-voucher'))
    expect(isGood(blocks.get('proof-voucher')!, RELAY, voucher.signature)).toBe(true)
  })
})

test('the addresses are read and written', () => {
  const [id, url, address, ...none] = /^```text addresses\n(.*?)\n```$/ms.exec(page)![1]!.split('\n')
  expect(none).toEqual([])
  expect(parseNodeId(id!)).toEqual(RELAY.nodeId)
  expect(formatNodeId(RELAY.nodeId)).toBe(id)
  expect(formatRelayUrl(parseRelayUrl(url!))).toBe(url)
  expect(formatCircuitAddress(parseCircuitAddress(address!))).toBe(address)
})

describe('the tables', () => {
  test('of frames has them all, and what they say of octets', () => {
    const rows = rowsOf('Type', 'Frame')
    expect(Object.fromEntries(rows.map(([type, name]) => [name, Number(type)]))).toEqual(FRAME)
    for (const [, name, , status, octets] of rows) {
      const own = Object.keys(exampleFrames).filter((each) => each.split('-')[0] === name)
      for (const each of own) {
        const bytes = blocks.get(each)!
        const [least, most] = [...octets!.matchAll(/\d+/g)].map(Number)
        expect(bytes.length).toBeGreaterThanOrEqual(least!)
        if (!octets!.includes('more')) expect(bytes.length).toBeLessThanOrEqual(most ?? least!)
        if (status === '' && bytes[0]! > 4) expect(bytes[1]).toBe(0)
      }
    }
  })

  test('of statuses has them all', () => {
    const rows = rowsOf('Status', 'Name')
    expect(Object.fromEntries(rows.map(([status, name]) => [name, Number(status)]))).toEqual(RELAY_STATUS)
  })

  test('of fields add up to the body that is said in front of them', () => {
    const tables = [...page.matchAll(/^\| Field .*\n.*\n((?:\|.*\n)+)/gm)]
    expect(tables.length).toBe(6)
    for (const { 1: rows, index } of tables) {
      const said = [...page.slice(0, index).matchAll(/body\s+of\s+(\d+)\s+octets/gi)].at(-1)![1]
      const octets = rows!.split('\n').map((row) => Number(cellsOf(row)[1]))
      expect(octets.reduce((sum, each) => sum + (Number.isNaN(each) ? 0 : each), 0)).toBe(Number(said))
    }
  })
})

test('every name of a status in the text is one', () => {
  const names = [...page.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, name]) => name!)
  const known = new Set([...Object.keys(RELAY_STATUS), ...Object.keys(FRAME)])
  expect(names.filter((name) => !known.has(name))).toEqual([])
})
