import { randomBytes } from 'node:crypto'
import { encodeRelayFrame } from '@sluice/wire/relay'
import { frame, OPCODE } from '../../../libs/net/src/ws/frame.ts'
import { earlySamples, frameSamples } from '../../../libs/wire/src/testing/relay-codecs.ts'
import { helloOf, type RelayIdentity } from '../subject/relay-client.ts'
import type { Dice } from './dice.ts'
import type { Ending, HandshakeCase } from './handshake-case.ts'
import { mutate } from './mutation.ts'

const ENDINGS: readonly Ending[] = ['end', 'end', 'end', 'reset', 'reset', 'deaf', 'wait']
const WAYS = ['tcp', 'tcp', 'ws', 'ws', 'noise'] as const
const OPCODES = [OPCODE.BINARY, OPCODE.BINARY, OPCODE.BINARY, ...Object.values(OPCODE), 3, 15]
const TLS_HELLO = Uint8Array.of(0x16, 0x03, 0x01, 0x00, 0xc4, 0x01, 0x00, 0x00, 0xc0, 0x03, 0x03)

/** What comes instead of a login: over TCP or a WebSocket, mostly with something damaged. */
export function makeRelayCase(dice: Dice, identity: RelayIdentity): HandshakeCase {
  const way = dice.pick(WAYS)
  const ending = dice.pick(ENDINGS)
  if (way === 'noise') return { pieces: [dice.once(4) ? TLS_HELLO : dice.bytes(dice.below(300))], ending }
  const frames = [encodeRelayFrame(helloOf(identity)), ...someFrames(dice, earlySamples)]
  const bytes = dice.once(2) ? damaged(dice, frames) : Buffer.concat(frames)
  return { pieces: way === 'tcp' ? inPieces(dice, bytes) : overWebSocket(dice, bytes), ending }
}

/** What a peer that has logged in says. */
export const makeLateCase = (dice: Dice): readonly Uint8Array[] => {
  const frames = someFrames(dice, frameSamples)
  return inPieces(dice, dice.once(3) ? Buffer.concat(frames) : damaged(dice, frames))
}

/** Whole frames of any kind in any order. */
const someFrames = (dice: Dice, samples: readonly Uint8Array[]): Uint8Array[] =>
  Array.from({ length: 1 + dice.below(4) }, () => dice.pick(samples))

const damaged = (dice: Dice, frames: readonly Uint8Array[]): Uint8Array => {
  const at = dice.below(frames.length)
  return Buffer.concat(frames.map((each, nth) => (nth === at ? mutate(dice, each) : each)))
}

const inPieces = (dice: Dice, bytes: Uint8Array): Uint8Array[] => {
  const cut = dice.below(bytes.length + 1)
  return [bytes.subarray(0, cut), bytes.subarray(cut)]
}

const overWebSocket = (dice: Dice, bytes: Uint8Array): Uint8Array[] => {
  const head = [
    ...[
      'GET / HTTP/1.1',
      'Host: a',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
    ],
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    ...['Sec-WebSocket-Protocol: sluice-relay.v1', '', ''],
  ].join('\r\n')
  const request = Buffer.from(head, 'latin1')
  const messages = inPieces(dice, bytes).map((each) =>
    frame(
      dice.once(4) ? dice.pick(OPCODES) : OPCODE.BINARY,
      each,
      dice.once(8) ? undefined : dice.below(2 ** 31),
    ),
  )
  return [
    dice.once(4) ? mutate(dice, request) : request,
    ...messages.map((each) => (dice.once(4) ? mutate(dice, each) : each)),
  ]
}
