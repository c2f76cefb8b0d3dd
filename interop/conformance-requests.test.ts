import { afterAll, beforeAll, describe } from 'vitest'
import { conform } from './conformance-table.ts'
import { type Answer, responsesOf, statusesOf, talk, type Talk, TalkOrigin } from './http-talk.ts'
import { deadPort } from './origin.ts'
import { LOGIN, OTHER_LOGIN, Servers } from './servers.ts'

// Requests to a proxy, as docs/conformance.md has them: beside the statuses that the client is told stands what arrived at
// the other end.

const NAMES = ['remote-proxy', 'squid', 'tinyproxy']
const servers = new Servers()
const viaOf = new Map<string, string>()
let dead: number

beforeAll(async () => {
  dead = await deadPort()
  await servers.startOurs()
  await servers.startSquid()
  await servers.startTinyproxy()
  for (const name of NAMES) {
    await using origin = await TalkOrigin.open({ text: OK })
    const { heard } = await talk(servers.port(name), [get(origin.port)], origin)
    viaOf.set(name, /^Via: (\S+ \S+)/im.exec(heard)?.[1] ?? '')
  }
})
afterAll(() => servers[Symbol.asyncDispose]())

const basic = (login: string): string =>
  `Proxy-Authorization: Basic ${Buffer.from(login).toString('base64')}\r\n`
const SIGNED_IN = basic(`${LOGIN.name}:${LOGIN.password}`)
const HOST = 'Host: there\r\n'
const CLOSE = 'Connection: close\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** A request by the one who has the login, for the only origin, that closes behind itself. */
const ask = (port: number, method: string, fields: string, body = ''): string =>
  `${method} http://127.0.0.1:${port}/ HTTP/1.1\r\n${HOST}${SIGNED_IN}${CLOSE}${fields}\r\n${body}`
const get = (port: number, fields = ''): string => ask(port, 'GET', fields)
const post = (port: number, fields: string, body: string): string => ask(port, 'POST', fields, body)
const to = (target: string, method = 'GET'): string =>
  `${method} ${target} HTTP/1.1\r\n${HOST}${SIGNED_IN}${CLOSE}\r\n`
const CHUNKED = 'Transfer-Encoding: chunked\r\n'

/** Each request line that arrived. */
const line = ({ heard }: Talk): string =>
  [...heard.matchAll(/^[A-Za-z]+ \S+ HTTP\/\d\.\d/gm)].map(([text]) => text).join(', ')
/** The lines of the field that arrived, as they are. */
const field =
  (name: string) =>
  ({ heard }: Talk): string =>
    [...heard.matchAll(new RegExp(`^(${name}:[^\\r\\n]*)\\r?\\n`, 'gim'))]
      .map(([, text]) => text?.replace(/:(?:127\.0\.0\.1:|\[::1\]:)\d+/, '').trim())
      .join(', ')
/** How the body that arrived was framed, and the body. */
const framed = (one: Talk): string => {
  const fields = [field('Content-Length')(one), field('Transfer-Encoding')(one)]
  const body = one.heard.slice(one.heard.indexOf('\r\n\r\n') + 4)
  return [...fields, JSON.stringify(body).slice(1, -1)].filter((text) => text !== '').join(' ')
}
const tls = ({ heard }: Talk): string => (heard.startsWith('\x16\x03') ? 'TLS' : '')
const named =
  (...names: string[]) =>
  ({ heard }: Talk): string =>
    names.filter((name) => new RegExp(`^${name}:`, 'im').test(heard)).join(', ')

describe('Plain HTTP: requests', () => {
  interface Asked {
    readonly say: (port: number, server: string) => string | readonly string[]
    /** What is worth knowing of what arrived. */
    readonly saw?: (one: Talk) => string
    readonly answer?: Answer
  }

  /** The statuses that the client is told, and, where the origin heard anything, what. */
  const asked = async (server: string, { say, saw = () => '', answer }: Asked): Promise<string> => {
    await using origin = await TalkOrigin.open(answer ?? { text: OK })
    const messages = [say(origin.port, server)].flat()
    const one = await talk(servers.port(server), messages, origin)
    const text = statusesOf(responsesOf(one.told, messages[0]?.split(' ')[0] ?? '').responses)
    const port = new RegExp(`:${origin.port}\\b`, 'g')
    return `${text} ${one.heard === '' ? '' : saw(one).replace(port, '')}`.trim()
  }

  const cases: Record<string, Asked> = {
    GET: { say: (port) => to(`http://127.0.0.1:${port}/a?b=c`), saw: line },
    HEAD: {
      say: (port) => ask(port, 'HEAD', ''),
      saw: line,
      answer: { text: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n' },
    },
    'POST with a length': { say: (port) => post(port, 'Content-Length: 5\r\n', 'hello'), saw: framed },
    'POST in chunks': { say: (port) => post(port, CHUNKED, '5\r\nhello\r\n0\r\n\r\n'), saw: framed },
    'DELETE with a body': {
      say: (port) => ask(port, 'DELETE', 'Content-Length: 5\r\n', 'hello'),
      saw: framed,
    },
    'GET with a body': { say: (port) => ask(port, 'GET', 'Content-Length: 5\r\n', 'hello'), saw: framed },
    'no login': { say: (port) => get(port).replace(SIGNED_IN, '') },
    'a wrong password': { say: (port) => get(port).replace(SIGNED_IN, basic(`${OTHER_LOGIN.name}:no`)) },
    'a closed port': { say: () => get(dead) },
    'a name that nobody has': { say: () => to('http://nobody.invalid/') },

    'length and chunks': {
      say: (port) => post(port, `Content-Length: 5\r\n${CHUNKED}`, '5\r\nhello\r\n0\r\n\r\n'),
      saw: framed,
    },
    'the same length twice': {
      say: (port) => post(port, 'Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'),
      saw: framed,
    },
    'two lengths': {
      say: (port) => post(port, 'Content-Length: 5\r\nContent-Length: 6\r\n', 'hello!'),
      saw: framed,
    },
    'a length of 5, 5': { say: (port) => post(port, 'Content-Length: 5, 5\r\n', 'hello'), saw: framed },
    'a length of +5': { say: (port) => post(port, 'Content-Length: +5\r\n', 'hello'), saw: framed },
    'a length of 2^64 + 5': {
      say: (port) => post(port, 'Content-Length: 18446744073709551621\r\n', 'hello'),
      saw: framed,
    },
    'gzip, chunked': {
      say: (port) => post(port, 'Transfer-Encoding: gzip, chunked\r\n', '5\r\nhello\r\n0\r\n\r\n'),
      saw: framed,
    },
    'the coding xchunked': {
      say: (port) => post(port, 'Transfer-Encoding: xchunked\r\n', '5\r\nhello\r\n0\r\n\r\n'),
      saw: framed,
    },
    'two lines of chunked': {
      say: (port) => post(port, CHUNKED + CHUNKED, '5\r\nhello\r\n0\r\n\r\n'),
      saw: framed,
    },
    'chunks in HTTP/1.0': {
      say: (port) => post(port, CHUNKED, '5\r\nhello\r\n0\r\n\r\n').replace('HTTP/1.1', 'HTTP/1.0'),
      saw: framed,
    },
    'chunk extensions': {
      say: (port) => post(port, CHUNKED, '5;a=b\r\nhello\r\n0\r\n\r\n'),
      saw: framed,
    },
    trailers: { say: (port) => post(port, CHUNKED, '5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n'), saw: framed },
    'a length as a trailer': {
      say: (port) => post(port, CHUNKED, '5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n'),
      saw: framed,
    },
    'a chunk of 2^64 + 5': {
      say: (port) => post(port, CHUNKED, '10000000000000005\r\nhello\r\n0\r\n\r\n'),
      saw: framed,
    },
    'a chunk of 0x5': { say: (port) => post(port, CHUNKED, '0x5\r\nhello\r\n0\r\n\r\n'), saw: framed },
    'a chunk that is too long': {
      say: (port) => post(port, CHUNKED, '5\r\nhello!\r\n0\r\n\r\n'),
      saw: framed,
    },
    'chunks with LF': { say: (port) => post(port, CHUNKED, '5\nhello\n0\n\n'), saw: framed },

    'a folded field': { say: (port) => get(port, 'X-Folded: a\r\n b\r\n'), saw: field('X-Folded') },
    'a blank before a colon': { say: (port) => get(port, 'X-Blank : a\r\n'), saw: field('X-Blank ?') },
    'lines that end with LF': { say: (port) => get(port).replaceAll('\r\n', '\n'), saw: line },
    'a CR in a field': { say: (port) => get(port, 'X-Odd: a\rb\r\n'), saw: field('X-Odd') },
    'a NUL in a field': { say: (port) => get(port, 'X-Odd: a\0b\r\n'), saw: named('X-Odd') },
    'a byte of FF in a field': { say: (port) => get(port, 'X-Odd: \xff\r\n'), saw: named('X-Odd') },
    'a field without a name': { say: (port) => get(port, ': a\r\n'), saw: line },
    'an empty line in front': { say: (port) => `\r\n${get(port)}`, saw: line },
    'a lower-case method': { say: (port) => ask(port, 'get', ''), saw: line },
    'an unknown method': { say: (port) => ask(port, 'FROB', ''), saw: line },
    'no Host': { say: (port) => get(port).replace(HOST, ''), saw: line },
    'no Host in HTTP/1.0': {
      say: (port) => get(port).replace(HOST, '').replace('HTTP/1.1', 'HTTP/1.0'),
      saw: line,
    },
    'two Hosts': { say: (port) => get(port, HOST), saw: field('Host') },
    'a Host other than the URL’s': { say: (port) => get(port), saw: field('Host') },
    'a field of 20,000 bytes': { say: (port) => get(port, `X-Long: ${'x'.repeat(20_000)}\r\n`), saw: line },
    '101 fields': { say: (port) => get(port, 'X-Many: 1\r\n'.repeat(98)), saw: line },
    'a URL of 9,000 bytes': {
      say: (port) => to(`http://127.0.0.1:${port}/${'a'.repeat(9000)}`),
      saw: (one) => line(one).replace(/a{9000}/, 'a…'),
    },

    'a user in the URL': { say: (port) => to(`http://u:p@127.0.0.1:${port}/`), saw: line },
    'a fragment': { say: (port) => to(`http://127.0.0.1:${port}/#a`), saw: line },
    'no path': { say: (port) => to(`http://127.0.0.1:${port}`), saw: line },
    'a query without a path': { say: (port) => to(`http://127.0.0.1:${port}?a`), saw: line },
    'OPTIONS without a path': { say: (port) => to(`http://127.0.0.1:${port}`, 'OPTIONS'), saw: line },
    'OPTIONS *': { say: () => to('*', 'OPTIONS') },
    'GET /': { say: () => to('/') },
    'https://': { say: (port) => to(`https://127.0.0.1:${port}/`), saw: tls },
    'gopher://': { say: (port) => to(`gopher://127.0.0.1:${port}/`), saw: line },
    'port 0': { say: () => to('http://127.0.0.1:0/') },
    'port 65536': { say: () => to('http://127.0.0.1:65536/') },
    'an IPv6 address': { say: (port) => to(`http://[::1]:${port}/`), saw: field('Host') },
    'an IPv6 address without brackets': { say: (port) => to(`http://::1:${port}/`), saw: line },

    'Connection names Host': {
      say: (port) => get(port).replace(CLOSE, 'Connection: close, Host\r\n'),
      saw: field('Host'),
    },
    'Connection names Content-Length': {
      say: (port) =>
        post(port, 'Content-Length: 5\r\n', 'hello').replace(CLOSE, 'Connection: close, Content-Length\r\n'),
      saw: framed,
    },
    'fields for one hop': {
      say: (port) =>
        get(
          port,
          'Keep-Alive: 5\r\nProxy-Connection: close\r\nTE: trailers\r\nX-Hop: 1\r\nX-End: 1\r\n',
        ).replace(CLOSE, 'Connection: close, X-Hop\r\n'),
      saw: named('Proxy-Authorization', 'Keep-Alive', 'Proxy-Connection', 'TE', 'X-Hop', 'X-End'),
    },
    Via: { say: (port) => get(port), saw: (one) => field('Via')(one).replace(/(Via: \S+) .*/i, '$1 name') },
    'its own Via': { say: (port, server) => get(port, `Via: ${viaOf.get(server)}\r\n`) },
    'OPTIONS, Max-Forwards: 0': { say: (port) => ask(port, 'OPTIONS', 'Max-Forwards: 0\r\n'), saw: line },
    'TRACE, Max-Forwards: 0': { say: (port) => ask(port, 'TRACE', 'Max-Forwards: 0\r\n'), saw: line },
    'TRACE, Max-Forwards: 2': {
      say: (port) => ask(port, 'TRACE', 'Max-Forwards: 2\r\n'),
      saw: field('Max-Forwards'),
    },
    'Expect: 100-continue': {
      say: (port) => [post(port, 'Content-Length: 5\r\nExpect: 100-continue\r\n', ''), 'hello'],
      saw: framed,
      answer: { text: OK, early: 'HTTP/1.1 100 Continue\r\n\r\n' },
    },

    'one after the other': {
      say: (port) => [get(port).replace(CLOSE, ''), get(port)],
      saw: line,
    },
    'two at once': { say: (port) => get(port).replace(CLOSE, '') + get(port), saw: line },
    'HTTP/1.0': { say: (port) => get(port).replace(CLOSE, '').replace('HTTP/1.1', 'HTTP/1.0'), saw: line },
    'HTTP/1.0, keep-alive, one after the other': {
      say: (port) => {
        const kept = get(port).replace('close', 'keep-alive').replace('HTTP/1.1', 'HTTP/1.0')
        return [kept, get(port).replace('HTTP/1.1', 'HTTP/1.0')]
      },
    },
    'HTTP/0.9': { say: (port) => `GET http://127.0.0.1:${port}/\r\n\r\n`, saw: line },
    'HTTP/1.2': { say: (port) => get(port).replace('HTTP/1.1', 'HTTP/1.2'), saw: line },
    'HTTP/2.0': { say: (port) => get(port).replace('HTTP/1.1', 'HTTP/2.0'), saw: line },
    Upgrade: {
      say: (port) => get(port, 'Upgrade: echo\r\n').replace('close', 'Upgrade'),
      saw: (one) =>
        [field('Connection')(one), field('Upgrade')(one)].filter((text) => text !== '').join(', '),
      answer: {
        text: 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n',
        ending: 'end',
      },
    },
  }
  conform('Plain HTTP: requests', cases, asked)
})
