import { type Address, COMMAND, type Credentials, encodeBasic, formatAddress } from '@sluice/wire'
import { codecs } from '../../../libs/wire/src/testing/codecs.ts'
import { loginOf, messagesOf, PROTOCOLS } from '../subject/proxy-client.ts'
import type { Dice } from './dice.ts'
import { mutate } from './mutation.ts'

/** `wait`: leaves the end to the server · `deaf`: reads nothing, and resets in the end. */
export type Ending = 'end' | 'reset' | 'wait' | 'deaf'

/** All that one client does. */
export interface HandshakeCase {
  /** Written one after the other, so that the server may get them apart. */
  readonly pieces: readonly Uint8Array[]
  readonly ending: Ending
}

/** Who can sign in, and where the only target is. */
export interface World {
  readonly login: Credentials
  readonly origin: Address
}

export const ENDINGS: readonly Ending[] = ['end', 'end', 'end', 'reset', 'reset', 'deaf', 'wait']
const LONGEST_NAME = `${'n'.repeat(63)}.`.repeat(4).slice(0, 255)
/** More than a handshake may have; waits in the conn while the dial goes on. */
const LARGE_PAYLOAD = 100_000

const OTHER_COMMANDS = [COMMAND.BIND, COMMAND.UDP_ASSOCIATE]

/** Openings of protocols that the door does not speak. */
const STRANGERS = [
  Uint8Array.of(0x16, 0x03, 0x01, 0x00, 0xc4, 0x01, 0x00, 0x00, 0xc0, 0x03, 0x03),
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from('SSH-2.0-OpenSSH_9.6\r\n'),
  Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello'),
]

/** The next client, as `dice` has it. */
export function makeHandshakeCase(dice: Dice, world: World): HandshakeCase {
  const isPlain = dice.once(4)
  const messages = isPlain ? exchanges(dice, world) : dice.once(8) ? salad(dice) : handshake(dice, world)
  // A request whose body does not come may take a minute.
  const endings = isPlain ? ENDINGS.filter((ending) => ending !== 'wait') : ENDINGS
  return { pieces: split(dice, Buffer.concat(messages)), ending: dice.pick(endings) }
}

/** A whole handshake and some payload, mostly with one of its messages damaged. */
function handshake(dice: Dice, world: World): Uint8Array[] {
  const wish = {
    protocol: dice.pick(PROTOCOLS),
    command: dice.once(8) ? dice.pick(OTHER_COMMANDS) : COMMAND.CONNECT,
    login: loginFor(dice, world),
    target: targetFor(dice, world),
  }
  const messages = [...messagesOf(wish), dice.bytes(dice.below(dice.once(20) ? LARGE_PAYLOAD : 1000))]
  if (dice.once(16)) return messages
  if (dice.once(4)) return [mutate(dice, Buffer.concat(messages))]
  const damaged = dice.below(messages.length)
  return messages.map((message, at) => (at === damaged ? mutate(dice, message) : message))
}

const FRAMED: readonly (readonly [fields: string, body: string])[] = [
  ['', ''],
  ['Content-Length: 5\r\n', 'hello'],
  ['Transfer-Encoding: chunked\r\n', '5;a=b\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n'],
  ['Expect: 100-continue\r\nContent-Length: 5\r\n', 'hello'],
  ['Connection: Upgrade\r\nUpgrade: echo\r\n', 'hello'],
  ['Connection: close, X-Hop\r\nX-Hop: 1\r\n', ''],
]

/** One to four requests of plain HTTP over one connection, mostly with one of them damaged. */
function exchanges(dice: Dice, world: World): Uint8Array[] {
  const requests = Array.from({ length: 1 + dice.below(4) }, () => {
    const [fields, body] = dice.pick(FRAMED)
    const method = dice.pick(['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'DELETE'])
    const target = formatAddress(targetFor(dice, world))
    const version = dice.once(8) ? '1.0' : '1.1'
    const login = `Proxy-Authorization: ${encodeBasic(loginFor(dice, world))}\r\n`
    const head = `${method} http://${target}/ HTTP/${version}\r\nHost: a\r\n${login}${fields}\r\n`
    return Buffer.from(head + body, 'latin1')
  })
  const damaged = dice.below(requests.length + 1)
  return requests.map((request, at) => (at === damaged ? mutate(dice, request) : request))
}

/** Valid messages of any kind in any order. */
function salad(dice: Dice): Uint8Array[] {
  const samples = codecs.flatMap(({ sample }) => sample)
  return Array.from({ length: 1 + dice.below(4) }, () => {
    const sample = dice.pick(dice.once(3) ? STRANGERS : samples)
    return dice.once(3) ? mutate(dice, sample) : sample
  })
}

/** Mostly the right one: each wrong password costs the server a slow hash. */
export function loginFor(dice: Dice, { login }: World): Credentials {
  if (!dice.once(12)) return login
  const { username } = login
  return dice.pick([
    loginOf('nobody', 'knows'),
    { username, password: Uint8Array.of(0xff, 0xfe, 0x80) },
    { username: Buffer.alloc(255, 'u'), password: Buffer.alloc(255, 'p') },
  ])
}

export function targetFor(dice: Dice, { origin }: World): Address {
  const { host, port } = origin
  if (!dice.once(3)) return origin
  return dice.pick([
    ...['localhost', '2130706433', '0x7f.1', `::ffff:${host}`, '::1', LONGEST_NAME].map((name) => ({
      host: name,
      port,
    })),
    { host, port: 1 },
    { host: '10.0.0.1', port },
    { host: '169.254.169.254', port: 80 },
  ])
}

/** Every byte apart, in a few pieces, or in one. */
export function split(dice: Dice, bytes: Uint8Array): Uint8Array[] {
  if (bytes.length < 64 && dice.once(6)) return [...bytes].map((byte) => Uint8Array.of(byte))
  const cuts = Array.from({ length: dice.below(5) }, () => dice.below(bytes.length + 1))
  const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
  return edges.slice(1).map((end, at) => bytes.subarray(edges[at], end))
}
