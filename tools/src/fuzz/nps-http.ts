import { randomBytes } from 'node:crypto'
import { frame, OPCODE } from '../../../libs/net/src/ws/frame.ts'
import type { Dice } from './dice.ts'
import { type H2Request, h2Messages } from './h2-case.ts'
import { HOSTS } from './nps-world.ts'

export const PROPER_NAMES: readonly string[] = [
  ...[HOSTS.proper, HOSTS.proper, HOSTS.victim],
  ...['a.wild.example', 'a.b.wild.example', 'unknown.example'],
]
const ODD_NAMES = [
  '',
  ' ',
  'PROPER.example.',
  `${HOSTS.proper}:80`,
  `${HOSTS.proper}:x`,
  '[::1]',
  '127.0.0.1',
  'a/b',
]
const METHODS = ['GET', 'GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'DELETE', 'CONNECT', 'get', 'PRI']
const PATHS = [
  '/',
  '/ok',
  '/fuzz',
  '/fuzz',
  '/fuzz?a=b',
  '/%2e%2e/',
  '//x',
  '*',
  'x',
  `http://${HOSTS.victim}/ok`,
]

const CHUNKED = '5;a=b\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n'
/** Bodies, and heads that two readers may take for different ones. */
const FRAMED: readonly (readonly [fields: string, body: string])[] = [
  ['', ''],
  ['Content-Length: 5\r\n', 'hello'],
  ['Transfer-Encoding: chunked\r\n', CHUNKED],
  ['Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', CHUNKED],
  ['Content-Length: 5\r\nContent-Length: 6\r\n', 'hello'],
  ['Content-Length: 5, 5\r\n', 'hello'],
  ['Content-Length: +5\r\n', 'hello'],
  ['Transfer-Encoding: chunked, identity\r\n', CHUNKED],
  ['Transfer-Encoding : chunked\r\n', CHUNKED],
  ['Transfer-Encoding: \u000bchunked\r\n', CHUNKED],
  ['Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n', CHUNKED],
  ['Transfer-Encoding: chunked\r\n', 'fffffffffffffffff\r\nhello'],
  ['Transfer-Encoding: chunked\r\n', '5\nhello\n0\n\n'],
  ['X-A: b\r\n c\r\n', ''],
  ['X-A: b\nX-B: c\r\n', ''],
  ['Expect: 100-continue\r\nContent-Length: 5\r\n', 'hello'],
  ['Connection: close, X-Hop\r\nX-Hop: 1\r\n', ''],
  ['Connection: Upgrade\r\nUpgrade: echo\r\n', 'hello'],
]

const nameFor = (dice: Dice): string => dice.pick(dice.once(8) ? ODD_NAMES : PROPER_NAMES)

/** One to four requests of a visitor over one connection, the last of them now and then a WebSocket. */
export const hostMessages = (dice: Dice): Uint8Array[] => {
  const requests = Array.from({ length: 1 + dice.below(4) }, () => request(dice))
  return dice.once(4) ? [...requests, ...webSocket(dice)] : requests
}

const request = (dice: Dice): Uint8Array => {
  const [fields, body] = dice.pick(FRAMED)
  const host = dice.once(16) ? '' : `Host: ${nameFor(dice)}\r\n`
  const second = dice.once(16) ? `Host: ${nameFor(dice)}\r\n` : ''
  const line = `${dice.pick(METHODS)} ${dice.pick(PATHS)} HTTP/${dice.once(8) ? '1.0' : '1.1'}`
  return Buffer.from(`${line}\r\n${host}${second}${fields}\r\n${body}`, 'latin1')
}

const webSocket = (dice: Dice): Uint8Array[] => {
  const fields = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
  const key = `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`
  const head = ['GET /fuzz HTTP/1.1', `Host: ${nameFor(dice)}`, ...fields, key, '', ''].join('\r\n')
  const messages = Array.from({ length: dice.below(4) }, () =>
    frame(dice.pick(Object.values(OPCODE)), dice.bytes(dice.below(200)), dice.below(2 ** 31)),
  )
  return [Buffer.from(head, 'latin1'), ...messages]
}

/** The same over HTTP/2. */
export const h2HostMessages = (dice: Dice): Uint8Array[] =>
  h2Messages(
    dice,
    Array.from({ length: 1 + dice.below(4) }, () => h2Request(dice)),
  )

const h2Request = (dice: Dice): H2Request => {
  const body = dice.once(2) ? new Uint8Array(0) : dice.bytes(dice.below(300))
  const odd = dice.pick([
    ['x-a', 'b'],
    ['host', nameFor(dice)],
    ['connection', 'close'],
    ['transfer-encoding', 'chunked'],
    ['content-length', '5'],
    [':protocol', 'websocket'],
    [':path', '/'],
    ['X-Upper', 'a\r\nb: c'],
  ] as const)
  return {
    fields: [
      [':method', dice.pick(METHODS)],
      [':scheme', dice.once(8) ? 'http' : 'https'],
      [':authority', nameFor(dice)],
      [':path', dice.pick(PATHS)],
      ...(dice.once(2) ? [odd] : []),
    ],
    body,
  }
}
