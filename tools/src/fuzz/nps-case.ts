import { CLIENT_HELLO, CLIENT_HELLO_IN_TWO } from '../../../libs/wire/src/testing/client-hello-vectors.ts'
import type { Dice } from './dice.ts'
import { ENDINGS, type HandshakeCase, makeHandshakeCase, split } from './handshake-case.ts'
import type { Layer } from './handshake-client.ts'
import { mutate } from './mutation.ts'
import { damaged, npcMessages, yamuxMessages } from './nps-frames.ts'
import { h2HostMessages, hostMessages, PROPER_NAMES } from './nps-http.ts'
import { bridgeLayer, tlsLayer } from './nps-layers.ts'
import { apiMessages } from './nps-rest.ts'
import type { NpsWorld } from './nps-world.ts'

/** What one client does, and where. */
export interface NpsCase extends HandshakeCase {
  readonly port: number
  readonly layer?: Layer
}

type Make = (dice: Dice, world: NpsWorld) => NpsCase

/** Whose servers wait longer for the rest of a request than anybody does here. */
const HASTY = ENDINGS.filter((each) => each !== 'wait')

/** The next client, as `dice` has it. */
export const makeNpsCase = (dice: Dice, world: NpsWorld): NpsCase => dice.pick(MAKERS)(dice, world)

const caseOf = (
  dice: Dice,
  port: number,
  messages: readonly Uint8Array[],
  more: { readonly layer?: Layer; readonly endings?: typeof ENDINGS } = {},
): NpsCase => {
  const { layer, endings = ENDINGS } = more
  const pieces = split(dice, Buffer.concat(messages))
  return { port, pieces, ending: dice.pick(endings), ...(layer && { layer }) }
}

const bridge: Make = (dice, { ports, victim }) => {
  const layer = bridgeLayer(dice, victim.enrolment.secret)
  return caseOf(dice, ports.bridge, yamuxMessages(dice), { layer })
}

const npc: Make = (dice, { subject, victim }) =>
  caseOf(dice, subject.port('npc-bridge'), npcMessages(dice, victim.vkey))

const http: Make = (dice, { subject }) =>
  caseOf(dice, subject.port('http'), damaged(dice, hostMessages(dice)))

const https: Make = (dice, { subject }) => {
  const isH2 = dice.once(3)
  const servername = dice.pick(PROPER_NAMES)
  const layer = tlsLayer({ ...(isH2 && { ALPNProtocols: ['h2'] }), ...(dice.once(8) ? {} : { servername }) })
  const messages = isH2 ? h2HostMessages(dice) : hostMessages(dice)
  return caseOf(dice, subject.port('https'), damaged(dice, messages), { layer })
}

const hello: Make = (dice, { subject, ports }) => {
  const bytes = dice.once(3) ? CLIENT_HELLO_IN_TWO : CLIENT_HELLO
  const port = dice.pick([subject.port('https'), subject.port('https'), ports.bridge])
  return caseOf(dice, port, [dice.once(6) ? dice.bytes(dice.below(300)) : mutate(dice, bytes)])
}

const web: Make = (dice, world) =>
  caseOf(dice, world.subject.port('web'), apiMessages(dice, world), { endings: HASTY })

const proxy: Make = (dice, world) => ({ ...makeHandshakeCase(dice, world), port: world.ports.mixed })

const tunnel: Make = (dice, { ports }) => {
  const port = dice.pick([ports.victim, ports.victim, ports.tcp, ports.npc])
  return caseOf(dice, port, [dice.bytes(dice.below(dice.once(8) ? 200_000 : 1000))])
}

const MAKERS: readonly Make[] = [
  ...[bridge, bridge, bridge, npc, npc, npc, http, http, http],
  ...[https, https, hello, web, web, proxy, tunnel, tunnel],
]
