import type { Decode } from '../decode.ts'
import { decodeText, readBlock, textBlock } from './block.ts'
import { type GoReader, readGoJson } from './go-json.ts'

/** Of JSON behind its length. */
export const MAX_NPC_JSON_BYTES: number = 64 * 1024

/** @throws WireError WIRE_TOO_LONG, WIRE_SYNTAX, WIRE_VALUE */
export function readJsonBlock<T>(bytes: Uint8Array, at: number, read: GoReader<T>): ReturnType<Decode<T>> {
  const block = readBlock(bytes, at, MAX_NPC_JSON_BYTES)
  if (block === undefined) return undefined
  return { value: readGoJson(decodeText(block.bytes), read), size: block.end }
}

export function jsonBlock(value: unknown): Uint8Array {
  return textBlock(JSON.stringify(value))
}
