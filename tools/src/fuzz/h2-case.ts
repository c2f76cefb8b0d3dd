import type { Dice } from './dice.ts'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const TYPE = { DATA: 0, HEADERS: 1, SETTINGS: 4 } as const
const END_STREAM = 1
const END_HEADERS = 4

/** Of every kind, the unknown one too, most of which a client has no business to send. */
const OTHERS = [2, 3, 4, 5, 6, 7, 8, 9, 10]

/** One request of HTTP/2. */
export interface H2Request {
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array
}

/** What a client of HTTP/2 says from its first byte on: a stream for each request, and other frames in between. */
export function h2Messages(dice: Dice, requests: readonly H2Request[]): Uint8Array[] {
  const streams = requests.flatMap((request, nth) => {
    const stream = dice.once(10) ? dice.below(8) : 2 * nth + 1
    const isShort = request.body.length === 0
    const flags = END_HEADERS + (isShort ? END_STREAM : 0)
    return [
      ...(dice.once(4) ? [strangeFrame(dice)] : []),
      frame(TYPE.HEADERS, flags, stream, fieldBlock(request)),
      ...(isShort ? [] : [frame(TYPE.DATA, dice.once(8) ? 0 : END_STREAM, stream, request.body)]),
    ]
  })
  return [PREFACE, frame(TYPE.SETTINGS, 0, 0, new Uint8Array(0)), ...streams]
}

const strangeFrame = (dice: Dice): Uint8Array => {
  const payload = dice.bytes(dice.pick([0, 4, 5, 6, 8, dice.below(100)]))
  return frame(dice.pick(OTHERS), dice.below(256), dice.below(6), payload)
}

/** RFC 9113 §4.1. */
const frame = (type: number, flags: number, stream: number, payload: Uint8Array): Uint8Array => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** Literal fields, none of which is indexed (RFC 7541 §6.2.2). */
const fieldBlock = ({ fields }: H2Request): Uint8Array =>
  Buffer.concat(fields.flatMap(([name, value]) => [Uint8Array.of(0), literal(name), literal(value)]))

const literal = (text: string): Uint8Array => {
  const bytes = Buffer.from(text, 'latin1').subarray(0, 126)
  return Buffer.concat([Uint8Array.of(bytes.length), bytes])
}
