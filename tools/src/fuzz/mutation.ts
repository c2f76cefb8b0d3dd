import type { Dice } from './dice.ts'

/** Bytes at which formats change their minds: ends of ranges, ends of lines, separators. */
const TELLING = [0x00, 0x01, 0x02, 0x04, 0x05, 0x09, 0x0a, 0x0d, 0x20, 0x3a, 0x7f, 0x80, 0xfe, 0xff]
/** Over every length that a handshake may have. */
const FLOOD_BYTES = 20_000
/** Short, so that no secret is copied to a place where it may be shown. */
const COPIED_BYTES = 8

type Edit = (dice: Dice, bytes: Uint8Array, at: number) => Uint8Array

const EDITS: readonly Edit[] = [
  (dice, bytes, at) => replace(bytes, at, 1, Uint8Array.of((bytes[at] ?? 0) ^ (1 << dice.below(8)))),
  (dice, bytes, at) => replace(bytes, at, 1, Uint8Array.of(dice.pick(TELLING))),
  (dice, bytes, at) => replace(bytes, at, 0, Uint8Array.of(dice.pick(TELLING))),
  (dice, bytes, at) => replace(bytes, at, 0, dice.bytes(1 + dice.below(8))),
  (dice, bytes, at) => replace(bytes, at, 1 + dice.below(8), new Uint8Array(0)),
  (dice, bytes, at) => replace(bytes, at, 0, bytes.subarray(at, at + 1 + dice.below(COPIED_BYTES))),
  (dice, bytes, at) => (dice.once(4) ? bytes.subarray(0, at) : bytes),
  (dice, bytes, at) => (dice.once(16) ? replace(bytes, at, 0, flood(dice)) : bytes),
]

/** A copy of `bytes` with one to four small changes: it gets further into a decoder than noise does. */
export function mutate(dice: Dice, bytes: Uint8Array): Uint8Array {
  let mutated = Uint8Array.from(bytes)
  for (let edits = 1 + dice.below(4); edits > 0; edits -= 1) {
    mutated = Uint8Array.from(dice.pick(EDITS)(dice, mutated, dice.below(mutated.length + 1)))
  }
  return mutated
}

function replace(bytes: Uint8Array, at: number, removed: number, inserted: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + removed)])
}

function flood(dice: Dice): Uint8Array {
  return new Uint8Array(1 + dice.below(FLOOD_BYTES)).fill(dice.pick([...TELLING, 0x61]))
}
