import { isDeepStrictEqual } from 'node:util'
import {
  basicCredentialsOf,
  BodyScan,
  CHUNKED,
  connectTarget,
  decodeRequestHead,
  decodeResponseHead,
  encodeBasic,
  fieldValues,
  formatAddress,
  formatDuration,
  formatIp,
  formatQuota,
  formatRate,
  formatSize,
  forwardRequest,
  forwardResponse,
  parseAddress,
  parseDuration,
  parseHost,
  parseHttpUri,
  parseIp,
  parseQuota,
  parseRate,
  parseSize,
  requestFraming,
  UNTIL_CLOSE,
  WireError,
} from '@sluice/wire'
import { encodeSsUri, parseSsUri } from '@sluice/wire/shadowsocks'
import { parseNetwork } from '../../../libs/net/src/ip-network.ts'
import { parseUpstreamUrl } from '../../../libs/net/src/upstream/upstream-url.ts'
import { readRules } from '../../../libs/service/src/access/rule-reader.ts'
import { seedRow } from '../../../libs/userstore/src/seed-row.ts'
import { httpsParsers } from './https-parsers.ts'
import { npcParsers } from './npc-parsers.ts'
import { relayParsers } from './relay-parsers.ts'

/** A reader of texts that come from outside. */
export interface FuzzedParser {
  readonly name: string
  /** @throws what `refusals` has, and nothing else */
  readonly parse: (text: string) => unknown
  readonly refusals: readonly (abstract new (...args: never[]) => Error)[]
  /** The value as a text, which must be read as the same value. */
  readonly format?: (value: never) => string
  /** What is wrong with a value, undefined where nothing is. */
  readonly flaw?: (value: never) => string | undefined
  readonly sample: readonly string[]
}

const wire = (
  name: string,
  parse: FuzzedParser['parse'],
  sample: readonly string[],
  more: Pick<FuzzedParser, 'format' | 'flaw'> = {},
): FuzzedParser => ({ name, parse, refusals: [WireError], sample, ...more })

const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const HOP_BY_HOP = ['Proxy-Authorization', 'Proxy-Connection', 'Keep-Alive', 'TE']

interface Passed {
  readonly head: string
  readonly framing: number
  readonly isResponse: boolean
}

/** Read by the next one it is one message, of the same framing, without what was for us. */
const passedOnFlaw = ({ head, framing, isResponse }: Passed): string | undefined => {
  const bytes = latin1(head)
  let decoded: ReturnType<typeof decodeResponseHead> | ReturnType<typeof decodeRequestHead>
  try {
    decoded = isResponse ? decodeResponseHead(bytes) : decodeRequestHead(bytes)
  } catch (error) {
    // With a Via more, one that was as long as may be is too long for the next one, who says so.
    if (error instanceof WireError && error.code === 'WIRE_TOO_LONG') return undefined
    return `passes on ${JSON.stringify(head)}: ${String(error)}`
  }
  if (decoded?.size !== bytes.length) return `passes on ${JSON.stringify(head)}, which is not one head`
  const [lengths, codings] = ['content-length', 'transfer-encoding'].map((name) =>
    fieldValues(decoded.value, name),
  )
  const version = decoded.value.version
  if (!isResponse) {
    const said = requestFraming({ version, lengths: lengths!, codings: codings! })
    if (said !== framing) return `reads a body of ${framing}, and passes on one of ${said}`
  }
  const left = HOP_BY_HOP.filter((name) => fieldValues(decoded.value, name).length > 0)
  return left.length > 0 ? `passes on ${left.join(', ')}` : undefined
}

const passRequest = (text: string): Passed | undefined => {
  const decoded = decodeRequestHead(latin1(text))
  if (decoded === undefined) return undefined
  const { head, body } = forwardRequest(decoded.value, 'fuzz')
  return { head, framing: body, isResponse: false }
}
const passResponse = (text: string): Passed | undefined => {
  const decoded = decodeResponseHead(latin1(text))
  if (decoded === undefined) return undefined
  const { head, body } = forwardResponse(decoded.value, 'GET', 'fuzz')
  return { head: `${head}\r\n`, framing: body, isResponse: true }
}

/** A body of this framing, the first line of the text, is as long however it is cut. */
const measure = (text: string): string => {
  const bytes = latin1(text)
  const framing = [CHUNKED, UNTIL_CLOSE, 0, 5][bytes.length % 4]!
  const ends = [bytes.length, (bytes.length >> 1) + 1, 1].map((step) => {
    const scan = new BodyScan()
    scan.begin(framing)
    let end = 0
    for (let at = 0; at < bytes.length && !scan.ended; at += step)
      end = scan.scan(bytes.subarray(0, Math.min(at + step, bytes.length)), at)
    return scan.ended ? end : -1
  })
  return ends.join(' ')
}

const readRulesOf = (text: string): readonly unknown[] => {
  const given: unknown = JSON.parse(text)
  const { rules, problems } = readRules(given)
  if (problems.length > 21) throw new Error(`${problems.length} problems at once`)
  if (problems.length > 0) throw new RangeError(problems.join('\n'))
  return rules
}

const seedRowOf = (text: string): unknown => {
  const [name, password, bandwidth] = text.split('\n')
  const isNumber = bandwidth !== undefined && /^-?\d{1,18}$/.test(bandwidth)
  const row = seedRow({
    row: 1n,
    name: name === '' ? null : name,
    password: password ?? null,
    bandwidth: isNumber ? BigInt(bandwidth) : (bandwidth ?? null),
  })
  if ('problem' in row) throw new RangeError(row.problem)
  return row
}

/** But for one that is too long to be read once what stood there in clear is percent-encoded. */
const ssServerOf = (text: string): unknown => {
  const server = parseSsUri(text)
  return encodeSsUri(server).length > 4096 ? undefined : server
}

const QUANTITIES = ['0', '4096', '1.5MB', '10GiB', '999999999999', '0.001TiB']

/** Everything that reads texts of clients, targets, files and people. */
export const parsers: readonly FuzzedParser[] = [
  wire('http uri', (text) => parseHttpUri(text, 'GET'), [
    'http://a/',
    'http://example.com:8080/a?b=c',
    'HTTP://[::1]:80?x',
    'http://127.0.0.1',
  ]),
  wire('address', parseAddress, ['example.com:80', '[::1]:65535', '127.0.0.1:1'], {
    format: formatAddress,
  }),
  wire('host', parseHost, ['example.com', '::ffff:127.0.0.1', '127.0.0.1', 'fe80::1']),
  {
    name: 'ip',
    parse: parseIp,
    refusals: [],
    sample: ['127.0.0.1', '::1', '2001:db8::1', '::ffff:1.2.3.4', '1:2:3:4:5:6:7:8'],
    format: formatIp,
  },
  wire('size', parseSize, QUANTITIES, { format: formatSize }),
  wire('rate', parseRate, [...QUANTITIES, '250KB/s'], { format: formatRate }),
  wire('duration', parseDuration, ['30', '500ms', '1.5m', '1h', '1d'], { format: formatDuration }),
  wire('quota', parseQuota, [...QUANTITIES, '1GB/day', '10GiB/month'], { format: formatQuota }),
  wire('basic credentials', basicCredentialsOf, ['Basic YTpi', 'basic  dTpw', 'Basic 8J+UkTp4'], {
    format: encodeBasic,
  }),
  wire(
    'ss uri',
    ssServerOf,
    [
      'ss://YWVzLTEyOC1nY206dGVzdA@192.168.100.1:8888#Example1',
      'ss://cm_NA@a/?plugin=obfs-local%3Bobfs%3Dhttp#2',
      'ss://2022-blake3-aes-128-gcm:AAECAwQFBgcICQoLDA0ODw%3D%3D@[::1]:8888#%E6%9D%B1',
      'ss://aes-128-gcm:te%3Ast@a.example:1/?plugin=a%5C%3Bb%3Bc',
      'ss://Y2hhY2hhMjAtaWV0Zi1wb2x5MTMwNTp0ZXN0LyFAIzpAMTkyLjE2OC4xMDAuMTo4ODg4#Old',
    ],
    { format: encodeSsUri },
  ),
  ...relayParsers,
  ...httpsParsers,
  ...npcParsers,
  wire('connect target', (text) => connectTargetOf(text), [
    'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n',
    'CONNECT [::1]:443 HTTP/1.0\r\n\r\n',
  ]),
  wire(
    'forwarded request',
    passRequest,
    [
      'GET http://a/ HTTP/1.1\r\nHost: a\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n\r\n',
      'POST http://[::1]:8080/?a HTTP/1.1\r\nHost: b\r\nContent-Length: 5\r\nVia: 1.1 other\r\n\r\n',
      'PUT http://a:81 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n',
      'OPTIONS http://a HTTP/1.0\r\nMax-Forwards: 3\r\nProxy-Authorization: Basic YTpi\r\n\r\n',
      'GET http://a/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    ],
    { flaw: passedOnFlaw },
  ),
  wire(
    'forwarded response',
    passResponse,
    [
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n',
      'HTTP/1.0 404 \r\nKeep-Alive: 5\r\n\r\n',
      'HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\nVia: 1.1 other\r\n\r\n',
      'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
    ],
    { flaw: passedOnFlaw },
  ),
  wire(
    'http body',
    measure,
    [
      '5\r\nhello\r\n0\r\n\r\n',
      '5;a=b\r\nhello\r\n00\r\nX: 1\r\n\r\n',
      'A\r\n0123456789\r\n0\r\n\r\n',
      'hello',
    ],
    {
      flaw: (ends: string): string | undefined =>
        new Set(ends.split(' ')).size > 1 ? `ends at ${ends}, by how it is cut` : undefined,
    },
  ),
  {
    name: 'network',
    parse: parseNetwork,
    refusals: [RangeError],
    sample: ['10.0.0.0/8', 'fd00::/8', '127.0.0.1', '::/0', '::ffff:10.0.0.0/104'],
  },
  {
    name: 'upstream url',
    parse: parseUpstreamUrl,
    refusals: [RangeError],
    sample: ['http://ada:s%3Acret@proxy:3128', 'socks5://[::1]:1080', 'https://p', 'socks5s://a:b@c:1/'],
  },
  {
    name: 'rules',
    parse: readRulesOf,
    refusals: [RangeError, SyntaxError],
    flaw: (rules: readonly { readonly action?: unknown }[]): string | undefined =>
      rules.every(({ action }) => action === 'allow' || action === 'deny') ? undefined : 'gives no action',
    sample: [
      '[{"action":"deny","ports":[25],"names":["*.example.com",".a.b"],"protocols":["socks5","http"]}]',
      '[{"name":"a","action":"allow","targets":["10.0.0.0/8"],"private":true,"via":["direct"]}]',
      '[{"action":"allow","clients":"fd00::/8","users":["ada"],"groups":["g"],"listeners":["http"]}]',
    ],
  },
  {
    name: 'seed row',
    parse: seedRowOf,
    refusals: [RangeError],
    sample: ['alice\ns3cret\n15000', 'bob\n12345\n0', 'имя\nпароль\n', 'a\nb\n-1'],
  },
]

const connectTargetOf = (text: string): unknown => {
  const decoded = decodeRequestHead(latin1(text))
  return decoded && connectTarget(decoded.value)
}

/** What `parser` does wrong with `text`, undefined where nothing. */
export function parserFlaw(parser: FuzzedParser, text: string): { flaw?: string; isValue: boolean } {
  const { parse, refusals, format, flaw } = parser
  let value: unknown
  try {
    value = parse(text)
  } catch (error) {
    if (refusals.some((refusal) => error instanceof refusal)) return { isValue: false }
    return { flaw: `threw ${error instanceof Error ? error.stack : String(error)}`, isValue: false }
  }
  if (value === undefined) return { isValue: false }
  const found = flaw?.(value as never) ?? (format && changed(parser, format(value as never), value))
  return { ...(found !== undefined && { flaw: found }), isValue: true }
}

function changed(parser: FuzzedParser, text: string, value: unknown): string | undefined {
  let again: unknown
  try {
    again = parser.parse(text)
  } catch (error) {
    again = String(error)
  }
  return isDeepStrictEqual(again, value)
    ? undefined
    : `gives ${show(value)}, written ${JSON.stringify(text)}, which gives ${show(again)}`
}

const show = (value: unknown): string =>
  value instanceof Uint8Array ? Buffer.from(value).toString('hex') : JSON.stringify(value)
