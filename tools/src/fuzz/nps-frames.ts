import { createHash } from 'node:crypto'
import { encodeStreamHeader, STREAM_STATUS } from '@sluice/wire/bridge'
import { encodeNpcFrame, encodeNpcHello, encodeNpcPurpose, NPC_CORE_VERSION } from '@sluice/wire/npc'
import { encodeYamuxFrame, YAMUX_FLAG, type YamuxFrame } from '@sluice/wire/yamux'
import { streamHeaders } from '../../../libs/wire/src/testing/bridge-codecs.ts'
import { hex } from '../../../libs/wire/src/testing/hex.ts'
import * as vectors from '../../../libs/wire/src/testing/npc-vectors.ts'
import { yamuxFrames } from '../../../libs/wire/src/testing/yamux-vectors.ts'
import type { Dice } from './dice.ts'
import { mutate } from './mutation.ts'

/** The secret tunnel that may be asked for. */
export const SECRET_PASSWORD = 'open sesame'

const FLAGS = [0, 0, ...Object.values(YAMUX_FLAG), YAMUX_FLAG.SYN + YAMUX_FLAG.FIN]
/** More than one frame of npc has. */
const LARGE = 20_000

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')

const bytesOf = (known: vectors.Known<unknown>): Uint8Array[] => known.map(([bytes]) => hex(bytes))

const several = (dice: Dice, most: number, make: () => Uint8Array): Uint8Array[] =>
  Array.from({ length: 1 + dice.below(most) }, make)

/** Mostly one of them. */
export const damaged = (dice: Dice, messages: readonly Uint8Array[]): Uint8Array[] => {
  if (dice.once(4)) return [...messages]
  if (dice.once(4)) return [mutate(dice, Buffer.concat(messages))]
  const at = dice.below(messages.length)
  return messages.map((each, nth) => (nth === at ? mutate(dice, each) : each))
}

/** What a client program of ours says past its login: streams of its own, answers to those of the server, and noise. */
export const yamuxMessages = (dice: Dice): Uint8Array[] =>
  damaged(
    dice,
    several(dice, 6, () => Buffer.concat(yamuxTurn(dice))),
  )

const yamuxTurn = (dice: Dice): Uint8Array[] => {
  if (dice.once(4)) return [dice.pick(bytesOf(yamuxFrames))]
  if (dice.once(3)) return [encodeYamuxFrame(anyFrame(dice))]
  const id = 1 + 2 * dice.below(6)
  const header = encodeStreamHeader(headerFor(dice))
  const payload = dice.once(3) ? mutate(dice, header) : header
  return [
    encodeYamuxFrame({ type: 'window', flags: YAMUX_FLAG.SYN, id, delta: 0 }),
    encodeYamuxFrame({ type: 'data', flags: dice.pick(FLAGS), id, payload }),
    ...(dice.once(2) ? [encodeYamuxFrame({ type: 'data', flags: 0, id, payload: dice.bytes(50) })] : []),
  ]
}

const headerFor = (dice: Dice): (typeof streamHeaders)[number][1] =>
  dice.once(2)
    ? dice.pick(streamHeaders)[1]
    : { type: 'visit', password: md5(dice.once(2) ? SECRET_PASSWORD : 'no') }

/** Mostly of a stream that the server may have opened. */
const anyFrame = (dice: Dice): YamuxFrame => {
  const [flags, id] = [dice.pick(FLAGS), dice.once(4) ? dice.below(2 ** 32) : 2 + 2 * dice.below(6)]
  if (dice.once(3)) return { type: 'window', flags, id, delta: dice.below(dice.once(2) ? 2 ** 32 : 100_000) }
  const status = Uint8Array.of(dice.pick(Object.values(STREAM_STATUS)), dice.below(256))
  const payload = dice.once(2) ? status : dice.bytes(dice.below(dice.once(8) ? LARGE : 300))
  return { type: 'data', flags, id, payload }
}

/** All that a program says that is npc: its login, its purpose, and what comes then. */
export const npcMessages = (dice: Dice, vkey: string): Uint8Array[] => {
  const key = dice.once(8) ? 'nobody knows it' : vkey
  const hello = dice.once(8)
    ? dice.pick(bytesOf(vectors.hellos))
    : encodeNpcHello({ core: NPC_CORE_VERSION, release: '0.26.10' })
  const login = [hello, Buffer.from(md5(key)), purposeFor(dice)]
  // What is behind a login is reached by a right one alone.
  const later = several(dice, 8, () => npcMessage(dice, vkey))
  return dice.once(3) ? damaged(dice, [...login, ...later]) : [...login, ...damaged(dice, later)]
}

const purposeFor = (dice: Dice): Uint8Array => {
  const passwordMd5 = md5(SECRET_PASSWORD)
  if (dice.once(4)) return encodeNpcPurpose({ type: dice.once(2) ? 'secret' : 'p2p', passwordMd5 })
  return dice.pick(bytesOf(vectors.purposes))
}

const npcMessage = (dice: Dice, vkey: string): Uint8Array => {
  if (dice.once(3)) return npcFrame(dice)
  if (dice.once(8)) return Buffer.from(`stus${md5(vkey)}`)
  const { npcFrames, confRequests, signals, reports, links } = vectors
  return dice.pick([npcFrames, npcFrames, confRequests, reports, signals, links].flatMap(bytesOf))
}

/** Mostly of a stream that the server may have opened. */
const npcFrame = (dice: Dice): Uint8Array => {
  const id = dice.once(4) ? dice.below(2 ** 31) : 1 + dice.below(6)
  if (dice.once(4)) return encodeNpcFrame({ type: dice.pick(['opened', 'refused', 'close', 'open']), id })
  const payload = dice.bytes(dice.below(300))
  return encodeNpcFrame({ type: 'data', id, payload, isEnd: dice.once(2) })
}
