import type { Decode } from '../decode.ts'
import { SnappyDecoder } from '../npc/index.ts'
import { hex } from './hex.ts'
import type { Known } from './npc-vectors.ts'

/** Blocks as another implementation writes them, or by hand from the description of the format. */
export const snappyBlocks: Known<Uint8Array> = [
  ['00', hex('')],
  ['05 10 68 65 6c 6c 6f', hex('"hello"')],
  // By hand: the description's own example, a literal and a copy that overtakes itself.
  ['07 08 78 61 62 01 02', hex('"xababab"')],
  ['07 08 "xab" 0e 02 00', hex('"xababab"')],
  ['07 08 "xab" 0f 02 00 00 00', hex('"xababab"')],
  // A literal whose length stands in one octet, and in four.
  [`3d f0 3c "${'y'.repeat(61)}"`, hex(`"${'y'.repeat(61)}"`)],
  ['01 fc 00 00 00 00 7a', hex('7a')],
  ['50 04 61 62 fe 02 00 36 02 00', hex(`"${'ab'.repeat(40)}"`)],
  [
    '5d 14 68 65 6c 6c 6f 20 5a 06 00 00 2c 5e 19 00 09 18 82 1f 00',
    hex(`"${`${'hello '.repeat(4)}hello, `.repeat(3)}"`),
  ],
]

/** One chunk of data with the name of the stream in front, each by another implementation. */
export const snappyStreams: Known<Uint8Array> = [
  ['ff 06 00 00 73 4e 61 50 70 59 01 09 00 00 bb 1f 1c 19 68 65 6c 6c 6f', hex('"hello"')],
  ['ff 06 00 00 "sNaPpY" 01 0b 00 00 c0 86 66 55 "xababab"', hex('"xababab"')],
]

/** As the above, with chunks that are compressed or skipped. */
export const moreSnappyStreams: Known<Uint8Array> = [
  ['ff 06 00 00 "sNaPpY" 00 0e 00 00 95 cf 6b 9f 50 04 61 62 fe 02 00 36 02 00', hex(`"${'ab'.repeat(40)}"`)],
  [
    'ff 06 00 00 "sNaPpY" 00 19 00 00 56 51 1f ec 5d 14 "hello " 5a 06 00 00 2c 5e 19 00 09 18 82 1f 00',
    hex(`"${`${'hello '.repeat(4)}hello, `.repeat(3)}"`),
  ],
  [
    'ff 06 00 00 "sNaPpY" fe 03 00 00 00 00 00 80 00 00 00 ff 06 00 00 "sNaPpY" fd 01 00 00 ff 01 09 00 00 bb 1f 1c 19 "hello"',
    hex('"hello"'),
  ],
]

/** The first data of a stream, as a decoder: octet by octet, up to the end of its chunk. */
export const decodeSnappyStream: Decode<Uint8Array> = (bytes) => {
  const found: Uint8Array[] = []
  const decoder = new SnappyDecoder((data) => found.push(data))
  for (let at = 0; at < bytes.length; at++) {
    decoder.push(bytes.subarray(at, at + 1))
    if (found.length > 0) return { value: found[0]!, size: at + 1 }
  }
  return undefined
}
