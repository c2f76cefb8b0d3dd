import type { YamuxFrame } from '../yamux/index.ts'
import { hex } from './hex.ts'
import type { Known } from './npc-vectors.ts'

// Worked out by hand from the table of the specification.
export const yamuxFrames: Known<YamuxFrame> = [
  ['00 01 00 01 00 00 00 01 00 00 00 00', { type: 'window', flags: 1, id: 1, delta: 0 }],
  ['00 01 00 02 00 00 00 01 00 0c 00 00', { type: 'window', flags: 2, id: 1, delta: 786_432 }],
  ['00 01 00 08 ff ff ff ff 00 00 00 07', { type: 'window', flags: 8, id: 2 ** 32 - 1, delta: 7 }],
  ['00 00 00 00 00 00 00 02 00 00 00 05 "hello"', { type: 'data', flags: 0, id: 2, payload: hex('"hello"') }],
  ['00 00 00 04 00 00 00 02 00 00 00 00', { type: 'data', flags: 4, id: 2, payload: hex('') }],
  ['00 00 00 05 01 02 03 05 00 00 00 01 61', { type: 'data', flags: 5, id: 0x01020305, payload: hex('61') }],
  ['00 02 00 01 00 00 00 00 de ad be ef', { type: 'ping', opaque: 0xdeadbeef }],
  ['00 02 00 02 00 00 00 00 de ad be ef', { type: 'pong', opaque: 0xdeadbeef }],
  ['00 03 00 00 00 00 00 00 00 00 00 02', { type: 'goAway', code: 2 }],
]
