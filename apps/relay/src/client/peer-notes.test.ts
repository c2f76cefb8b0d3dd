import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseRelayUrl } from '@sluice/wire/relay'
import { expect, it, onTestFinished } from 'vitest'
import { PeerNotes } from './peer-notes.ts'

const open = (): { folder: string; notes: PeerNotes } => {
  const folder = mkdtempSync(join(tmpdir(), 'peer-notes-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return { folder, notes: new PeerNotes(folder) }
}
const HELD = [{ relay: 'tcp://127.0.0.1:1', until: 5, addresses: ['/here'] }]

it('keeps the last relays, and what is held', () => {
  const { folder, notes } = open()
  expect([notes.relays, notes.held]).toEqual([[], []])
  const relays = ['tls://relay.example:443', 'wss://[::1]:2'].map((url) => parseRelayUrl(url))
  notes.keepRelays(relays)
  notes.keepHeld(HELD)
  const other = new PeerNotes(folder)
  expect([other.relays, other.held]).toEqual([relays, HELD])
  notes.forgetHeld()
  notes.forgetHeld()
  expect([other.held, readdirSync(folder)]).toEqual([[], ['peer-relays.json']])
})

it('believes nothing of a process that is gone, and nothing that is broken', () => {
  const { folder, notes } = open()
  const note = (name: string, text: string): void => writeFileSync(join(folder, name), text)
  // No system gives such a number to a process.
  note('peer-reservations.json', JSON.stringify({ pid: 2 ** 31 - 1, held: HELD }))
  note('peer-relays.json', '["tls://')
  expect([notes.relays, notes.held]).toEqual([[], []])
  note('peer-relays.json', '["http://127.0.0.1"]')
  expect(notes.relays).toEqual([])
  note('peer-reservations.json', '{"pid":"x"}')
  expect(notes.held).toEqual([])
  const others = JSON.stringify({ pid: process.ppid, held: HELD })
  note('peer-reservations.json', others)
  notes.forgetHeld()
  expect(notes.held).toEqual(HELD)
})

it('says what it cannot read or write', () => {
  const { folder, notes } = open()
  mkdirSync(join(folder, 'peer-relays.json'))
  expect(() => notes.relays).toThrow('peer-relays.json (EISDIR)')
  expect(() => notes.keepRelays([])).toThrow(/cannot write .*peer-relays.json/)
})
