import { encodeBasic, encodeCompatRequest, encodePreamble, formatAddress } from '@sluice/wire'
import { messagesOf } from '../subject/proxy-client.ts'
import type { Dice } from './dice.ts'
import { type H2Request, h2Messages } from './h2-case.ts'
import { ENDINGS, type HandshakeCase, loginFor, split, targetFor, type World } from './handshake-case.ts'
import { mutate } from './mutation.ts'

/** What one client does at the listener of its kind. */
export interface HttpsCase extends HandshakeCase {
  readonly door: 'proxy' | 'compat'
}

type Make = (dice: Dice, world: World) => Uint8Array[]

const LARGE_BODY = 100_000
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'DELETE', 'CONNECT', 'get']
/** Of the target; what begins with `/fuzz` is answered by whatever comes to mind. */
const PATHS = ['/', '/fuzz', '/fuzz', '/fuzz?a=b', '/%2e%2e/', '/fuzz#x']
const ROUTES = ['/', '/v1/queue', '/v1/openapi.json', '/v1/requests', '/v1/', '*', '//v1/queue']
const STREAM = 'application/vnd.sluice.request'
const JSON_TYPE = 'application/json; charset=utf-8'

/** The next client, as `dice` has it. */
export function makeHttpsCase(dice: Dice, world: World): HttpsCase {
  const kind = dice.pick(KINDS)
  const messages = Array.from({ length: 1 + dice.below(3) }, () => MAKERS[kind](dice, world)).flat()
  const pieces = split(dice, Buffer.concat(damaged(dice, messages)))
  // Who forwards waits longer for a body than anybody does here, and so do old clients between two requests.
  const isPatient = kind === 'compat' || kind === 'proxied'
  const ending = dice.pick(isPatient ? ENDINGS.filter((each) => each !== 'wait') : ENDINGS)
  return { door: kind === 'compat' ? 'compat' : 'proxy', pieces, ending }
}

/** Mostly one of them. */
const damaged = (dice: Dice, messages: Uint8Array[]): Uint8Array[] => {
  if (dice.once(6)) return messages
  if (dice.once(4)) return [mutate(dice, Buffer.concat(messages))]
  const at = dice.below(messages.length)
  return messages.map((message, nth) => (nth === at ? mutate(dice, message) : message))
}

const MAKERS = {
  stream: (dice, world) => {
    const preamble = damagedText(dice, JSON.stringify(wishOf(dice, world)))
    return posted(dice, world, STREAM, Buffer.concat([framedText(dice, preamble), bodyOf(dice)]))
  },
  json: (dice, world) => {
    const body = Buffer.from(bodyOf(dice)).toString('base64')
    const wish = { ...wishOf(dice, world), ...(dice.once(2) && { body }) }
    return posted(dice, world, JSON_TYPE, damagedText(dice, JSON.stringify(wish)))
  },
  route: (dice, world) => [
    head(`${dice.pick(METHODS)} ${dice.pick(ROUTES)}`, authorization(dice, world), ''),
  ],
  proxied: (dice, world) => {
    const body = bodyOf(dice)
    const { fields, pieces } = framing(dice, body)
    const login = `Proxy-${authorization(dice, world)}`
    return [head(`${dice.pick(METHODS)} ${urlFor(dice, world)}`, login, fields), ...pieces]
  },
  tunnel: (dice, world) => {
    const wish = {
      protocol: 'connect',
      login: loginFor(dice, world),
      target: targetFor(dice, world),
    } as const
    return [...messagesOf(wish), bodyOf(dice)]
  },
  h2: (dice, world) =>
    h2Messages(
      dice,
      Array.from({ length: 1 + dice.below(4) }, () => h2Request(dice, world)),
    ),
  compat: (dice, world) => {
    const { url } = wishOf(dice, world)
    const wish = {
      url,
      headers: { 'X-A': 'b' },
      post_data: dice.pick([null, null, '', 'hello', 'é'.repeat(500)]),
    }
    const data = damagedText(dice, JSON.stringify(wish))
    return [encodeCompatRequest({ nonce: dice.bytes(4), key: dice.bytes(33 + dice.below(168)), data })]
  },
} satisfies Record<string, Make>

type Kind = keyof typeof MAKERS
const KINDS = Object.keys(MAKERS) as Kind[]

const authorization = (dice: Dice, world: World): string =>
  `Authorization: ${encodeBasic(loginFor(dice, world))}\r\n`

const head = (line: string, login: string, fields: string): Uint8Array =>
  Buffer.from(`${line} HTTP/1.1\r\nHost: a\r\n${login}${fields}\r\n`, 'latin1')

const posted = (dice: Dice, world: World, type: string, content: Uint8Array): Uint8Array[] => {
  const { fields, pieces } = framing(dice, content)
  const all = `${fields}Content-Type: ${type}\r\n`
  return [head('POST /v1/requests', authorization(dice, world), all), ...pieces]
}

/** A body by its length, in chunks, and now and then with a client that waits to be asked for it. */
const framing = (dice: Dice, body: Uint8Array): { fields: string; pieces: Uint8Array[] } => {
  const expect = dice.once(10) ? 'Expect: 100-continue\r\n' : ''
  if (dice.once(3)) return { fields: `${expect}Content-Length: ${body.length}\r\n`, pieces: [body] }
  const cut = dice.below(body.length + 1)
  const chunks = [body.subarray(0, cut), body.subarray(cut)].filter(({ length }) => length > 0)
  const pieces = chunks.map((chunk) =>
    Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]),
  )
  return { fields: `${expect}Transfer-Encoding: chunked\r\n`, pieces: [...pieces, Buffer.from('0\r\n\r\n')] }
}

const bodyOf = (dice: Dice): Uint8Array => dice.bytes(dice.below(dice.once(20) ? LARGE_BODY : 300))

/** Damaged before it is framed, so that what is behind the frame is reached. */
const damagedText = (dice: Dice, text: string): Uint8Array =>
  dice.once(3) ? mutate(dice, Buffer.from(text)).subarray(0, 60_000) : Buffer.from(text)

const framedText = (dice: Dice, text: Uint8Array): Uint8Array => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(dice.once(10) ? dice.below(2 ** 32) : text.length)
  // What is not UTF-8 is refused by the frame itself.
  return dice.once(2) ? Buffer.concat([length, text]) : encodePreamble(Buffer.from(text).toString() || '{}')
}

const wishOf = (dice: Dice, world: World): Record<string, unknown> => ({
  url: urlFor(dice, world),
  ...(dice.once(2) && { method: dice.pick(METHODS) }),
  ...(dice.once(2) && { headers: [['X-A', 'b'], ...(dice.once(4) ? [['Connection', 'X-A']] : [])] }),
  ...(dice.once(3) && { redirects: dice.below(7) }),
  ...(dice.once(4) && { priority: dice.pick(['high', 'normal', 'low', 'none']) }),
})

const urlFor = (dice: Dice, world: World): string => {
  const scheme = dice.once(8) ? dice.pick(['https', 'ftp', 'HTTP']) : 'http'
  return `${scheme}://${formatAddress(targetFor(dice, world))}${dice.pick(PATHS)}`
}

const h2Request = (dice: Dice, world: World): H2Request => {
  const login = encodeBasic(loginFor(dice, world))
  const wish = encodePreamble(JSON.stringify(wishOf(dice, world)))
  const [target, scheme, field] = dice.once(4)
    ? [formatAddress(targetFor(dice, world)), 'https', 'proxy-authorization']
    : ['a', 'http', 'authorization']
  return {
    fields: [
      [':method', dice.once(6) ? dice.pick(METHODS) : 'POST'],
      [':scheme', scheme],
      [':authority', target],
      [':path', dice.once(6) ? dice.pick(ROUTES) : '/v1/requests'],
      [field, login],
      ['content-type', dice.once(4) ? JSON_TYPE : STREAM],
    ],
    body: dice.once(6) ? new Uint8Array(0) : Buffer.concat([wish, bodyOf(dice)]),
  }
}
