import { isDeepStrictEqual } from 'node:util'
import { decodeSocksAddress, WireError } from '@sluice/wire'
import {
  decodeSsRequest,
  openDatagram,
  PacketReader,
  sealDatagram,
  type SsBody,
  type SsKey,
  SsPacketSession,
} from '@sluice/wire/shadowsocks'
import { countUp, keyOf, methodsOf } from '../../../libs/wire/src/testing/ss-codecs.ts'
import { brokenLaw, type FuzzedCodec, type Verdict, verdictOf } from './codec-laws.ts'
import { Dice } from './dice.ts'
import type { FuzzRun } from './fuzz-run.ts'
import { mutate } from './mutation.ts'
import {
  PLAIN_BODIES,
  PLAIN_DATAGRAMS,
  PLAIN_HEADERS,
  sealPacket,
  sealRequest,
  SECONDS,
} from './shadowsocks-forms.ts'

/** Something to be fed with damaged input. */
export interface FuzzedForm {
  readonly name: string
  /** Makes an input and tries it. @returns what was wrong, undefined where nothing was */
  readonly attempt: (dice: Dice) => string | undefined
}

/** Inputs of each form between two looks at the clock. */
const BLOCK = 32
/** UDP carries no more, nor does a chunk of SIP004. */
const MAX_BYTES = 0x3fff
const NONE = new Uint8Array(0)

/**
 * Seals damaged content as a client with the key would, and damages what is sealed. @returns the first flaw of each form
 * that has one
 */
export async function fuzzShadowsocks(run: FuzzRun): Promise<string[]> {
  return fuzzForms(forms, run)
}

export function fuzzForms(those: readonly FuzzedForm[], { seconds, cases, seed, say }: FuzzRun): string[] {
  const dice = new Dice(seed)
  const flaws = new Map<FuzzedForm, string>()
  const endsAt = performance.now() + seconds * 1000
  let each = 0
  do {
    for (const form of those) {
      for (let i = 0; i < BLOCK && !flaws.has(form); i += 1) {
        const flaw = form.attempt(dice)
        if (flaw !== undefined) flaws.set(form, `${form.name}: ${flaw}`)
      }
    }
    each += BLOCK
  } while ((performance.now() < endsAt || each < cases) && flaws.size < those.length)
  say(`${those.length} forms, ${each} inputs each`)
  return [...flaws.values()]
}

/** All of a datagram or nothing, as a codec, so that the same eyes look at what it gives. */
const datagramCodec = (
  name: string,
  open: (bytes: Uint8Array) => SsBody | undefined,
): Omit<FuzzedCodec, 'sample'> & { sample: [] } => ({
  name,
  sample: [],
  decode: (bytes) => {
    const body = open(bytes)
    return body && { value: bodyOnly(body), size: bytes.length }
  },
})

const bodyOnly = ({ address, payload }: SsBody): unknown => ({
  address,
  payload: Buffer.from(payload).toString('hex'),
})

/** What a plain datagram holds. */
const plainCodec = datagramCodec('plain datagram', (bytes) => {
  const decoded = decodeSocksAddress(bytes)
  if (decoded === undefined) throw new WireError('WIRE_LENGTH', 'ends early')
  return { address: decoded.value, payload: bytes.subarray(decoded.size) }
})

/** Without the size, which is that of other bytes. */
const meaning = (verdict: Verdict): unknown => (verdict.kind === 'value' ? verdict.value : verdict)

const show = (verdict: Verdict): string => JSON.stringify(verdict)
const hexOf = (bytes: Uint8Array): string => `\n  input: ${Buffer.from(bytes).toString('hex')}`

function datagramForm(name: string): FuzzedForm {
  const key = keyOf(name)
  const codec = datagramCodec(name, (bytes) => openDatagram(key, bytes))
  const attempt = (dice: Dice): string | undefined => {
    const plain = mutated(dice, PLAIN_DATAGRAMS)
    if (plain.length === 0) return undefined
    const sealed = sealDatagram(key, dice.bytes(key.method.saltBytes), plain, NONE)
    const [found, wanted] = [verdictOf(codec, sealed), verdictOf(plainCodec, plain)]
    if (!isDeepStrictEqual(meaning(found), meaning(wanted))) {
      return `gives ${show(found)}, in clear it is ${show(wanted)}${hexOf(sealed)}`
    }
    return forgedFlaw(dice, codec, sealed, key)
  }
  return { name: `datagram ${name}`, attempt }
}

function packetForm(name: string): FuzzedForm {
  const key = keyOf(name)
  const codec = datagramCodec(name, (bytes) => openPacket(key, bytes))
  const attempt = (dice: Dice): string | undefined => {
    const head = Buffer.concat([dice.bytes(8), countUp(8)])
    head[8] = 0
    head[9] = 0
    const sealed = sealPacket(key, head, mutated(dice, PLAIN_BODIES), dice.bytes(24))
    const found = verdictOf(codec, sealed)
    if (found.kind === 'flaw' || found.kind === 'more')
      return `gives ${show(found)} for an authentic packet${hexOf(sealed)}`
    return forgedFlaw(dice, codec, sealed, key)
  }
  return { name: `packet ${name}`, attempt }
}

function openPacket(key: SsKey, bytes: Uint8Array): SsBody | undefined {
  const packet = new PacketReader(key).read(bytes)
  if (packet === undefined) return undefined
  const session = { key, clientId: packet.sessionId, ownId: 0n, random: countUp }
  return new SsPacketSession(session).open(packet, SECONDS)
}

/** What has a tag opens no more once it was changed. */
function forgedFlaw(
  dice: Dice,
  codec: FuzzedCodec,
  sealed: Uint8Array,
  { method }: SsKey,
): string | undefined {
  const forged = mutate(dice, sealed)
  const found = verdictOf(codec, forged)
  if (found.kind === 'flaw') return found.what + hexOf(forged)
  const isSame = Buffer.from(forged).equals(sealed)
  if (method.tagBytes === 0 || isSame || found.kind === 'more') return undefined
  return `takes a forged one for ${show(found)}${hexOf(forged)}`
}

function requestForm(name: string): FuzzedForm {
  const key = keyOf(name)
  const codec: FuzzedCodec = { name, sample: [], decode: (bytes) => withoutOpener(key, bytes) }
  const samples = key.method.kind === '2022' ? PLAIN_HEADERS : PLAIN_DATAGRAMS
  const attempt = (dice: Dice): string | undefined => {
    const plain = mutated(dice, samples)
    const sealed = sealRequest(key, dice.bytes(key.method.saltBytes), plain, [dice.below(20), dice.below(40)])
    const bytes = dice.once(4) ? mutate(dice, sealed) : sealed
    const flaw = brokenLaw(codec, bytes, dice.below(bytes.length + 1))
    return flaw && flaw + hexOf(bytes)
  }
  return { name: `request ${name}`, attempt }
}

function withoutOpener(key: SsKey, bytes: Uint8Array): { value: unknown; size: number } | undefined {
  const decoded = decodeSsRequest(key)(bytes)
  if (decoded === undefined) return undefined
  const { opener: _, ...value } = decoded.value
  return { value, size: decoded.size }
}

const mutated = (dice: Dice, samples: readonly Uint8Array[]): Uint8Array =>
  mutate(dice, dice.pick(samples)).subarray(0, MAX_BYTES)

const forms: readonly FuzzedForm[] = [
  ...methodsOf('aead', 'stream', 'none').map(datagramForm),
  ...methodsOf('2022').map(packetForm),
  ...methodsOf('aead', '2022').map(requestForm),
]
