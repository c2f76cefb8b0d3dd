import { afterAll, beforeAll, describe } from 'vitest'
import { conform } from './conformance-table.ts'
import { type Answer, responsesOf, statusesOf, talk, type Talk, TalkOrigin } from './http-talk.ts'
import { LOGIN, Servers } from './servers.ts'

// Responses through a proxy, as docs/conformance.md has them: what a target answers, and what the client is told of it.

const servers = new Servers()

beforeAll(async () => {
  await servers.startOurs()
  await servers.startSquid()
  await servers.startTinyproxy()
})
afterAll(() => servers[Symbol.asyncDispose]())

const LOGGED_IN = `Proxy-Authorization: Basic ${Buffer.from(`${LOGIN.name}:${LOGIN.password}`).toString('base64')}`
const requestTo = (port: number, method: string): string =>
  `${method} http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: there\r\n${LOGGED_IN}\r\nConnection: close\r\n\r\n`
const CHUNKED = 'Transfer-Encoding: chunked\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

describe('Plain HTTP: responses', () => {
  interface Answered extends Answer {
    readonly method?: string
    /** What else is worth knowing of what the client was told. */
    readonly also?: (one: Talk) => string
  }

  /** The statuses, the last body, what came besides, and how it ended where that was not properly. */
  const answered = async (server: string, { method = 'GET', also, ...answer }: Answered): Promise<string> => {
    await using origin = await TalkOrigin.open(answer)
    const one = await talk(servers.port(server), [requestTo(origin.port, method)], origin)
    const { responses, rest } = responsesOf(one.told, method)
    const last = responses.at(-1)
    // Pages about errors are everybody's own.
    const body = last === undefined || /^[45]/.test(last.status) ? '' : JSON.stringify(last.body).slice(1, -1)
    const surplus = last === undefined || rest === '' ? '' : `and ${rest}`
    const parts = [
      statusesOf(responses),
      body,
      last?.isWhole === false ? 'cut' : '',
      surplus,
      also?.(one) ?? '',
    ]
    return [...parts, one.end === 'end' ? '' : one.end].filter((text) => text !== '').join(' ')
  }

  const response = (fields: string, body: string, status = '200 OK'): string =>
    `HTTP/1.1 ${status}\r\n${fields}\r\n${body}`
  const has =
    (...names: string[]) =>
    ({ told }: Talk): string =>
      names.filter((name) => new RegExp(`^${name}:`, 'im').test(told)).join(', ')

  const cases: Record<string, Answered> = {
    'a length': { text: response('Content-Length: 5\r\n', 'hello') },
    chunks: { text: response(CHUNKED, '5\r\nhello\r\n0\r\n\r\n') },
    'chunks and trailers': {
      text: response(CHUNKED, '5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n'),
      also: has('X-Sum'),
    },
    'until it ends': { text: response('', 'hello'), ending: 'end' },
    'HTTP/1.0 until it ends': { text: 'HTTP/1.0 200 OK\r\n\r\nhello', ending: 'end' },
    'an answer of 103 first': { text: `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}` },
    Via: {
      text: OK,
      also: ({ told }) => (/^Via: (\S+) /im.exec(told)?.[0] ?? '').trim(),
    },
    'fields for one hop': {
      text: response(
        'Content-Length: 5\r\nConnection: X-Hop\r\nKeep-Alive: 5\r\nX-Hop: 1\r\nX-End: 1\r\n',
        'hello',
      ),
      also: has('Keep-Alive', 'X-Hop', 'X-End'),
    },
    '204 with a body': { text: response('Content-Length: 5\r\n', 'hello', '204 No Content') },
    '304 with a length': {
      text: response('Content-Length: 5\r\n', '', '304 Not Modified'),
      also: has('Content-Length'),
    },
    'HEAD with a length': {
      text: response('Content-Length: 5\r\n', ''),
      method: 'HEAD',
      also: has('Content-Length'),
    },
    'HEAD with a body': { text: response('Content-Length: 5\r\n', 'hello'), method: 'HEAD' },
    'more than the length': { text: response('Content-Length: 5\r\n', 'hello!!') },

    'length and chunks': {
      text: response(`Content-Length: 5\r\n${CHUNKED}`, '5\r\nhello\r\n0\r\n\r\n'),
    },
    'the same length twice': { text: response('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello') },
    'two lengths': { text: response('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello!') },
    'a length of -5': { text: response('Content-Length: -5\r\n', 'hello'), ending: 'end' },
    'gzip, chunked': { text: response('Transfer-Encoding: gzip, chunked\r\n', '5\r\nhello\r\n0\r\n\r\n') },
    'chunks in HTTP/1.0': { text: `HTTP/1.0 200 OK\r\n${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n`, ending: 'end' },
    'a bad chunk': { text: response(CHUNKED, '5\r\nhello\r\nzz\r\n'), ending: 'end' },
    'an end within the length': { text: response('Content-Length: 9\r\n', 'hello'), ending: 'end' },
    'an end within the chunks': { text: response(CHUNKED, '5\r\nhello\r\n'), ending: 'end' },
    'a reset within the length': { text: response('Content-Length: 9\r\n', 'hello'), ending: 'reset' },
    'a reset instead of the end': { text: response('', 'hello'), ending: 'reset' },
    'nothing, and the end': { text: '', ending: 'end' },
    'no HTTP': { text: 'SSH-2.0-OpenSSH_9.6\r\n', ending: 'end' },
    'HTTP/2.0': { text: 'HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello', ending: 'end' },
    'a status of 99': { text: response('Content-Length: 5\r\n', 'hello', '99 No'), ending: 'end' },
    'no reason': { text: response('Content-Length: 5\r\n', 'hello', '200') },
    'a 101 that nobody wanted': {
      text: response('Connection: Upgrade\r\nUpgrade: echo\r\n', '', '101 Switching Protocols'),
      ending: 'end',
    },
    'lines that end with LF': { text: 'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello' },
    'a folded field': {
      text: response('Content-Length: 5\r\nX-Folded: a\r\n b\r\n', 'hello'),
      also: ({ told }) => /^X-Folded: ([^\r]*)\r\n(?! )/m.exec(told)?.[1] ?? '',
    },
    'a blank before a colon': {
      text: response('Content-Length: 5\r\nX-Blank : a\r\n', 'hello'),
      also: ({ told }) => /^X-Blank ?:/m.exec(told)?.[0] ?? '',
    },
    'a NUL in a field': {
      text: response('Content-Length: 5\r\nX-Odd: a\0b\r\n', 'hello'),
      also: has('X-Odd'),
    },
    'a field of 20,000 bytes': {
      text: response(`Content-Length: 5\r\nX-Long: ${'x'.repeat(20_000)}\r\n`, 'hello'),
    },
  }
  conform('Plain HTTP: responses', cases, answered)
})
