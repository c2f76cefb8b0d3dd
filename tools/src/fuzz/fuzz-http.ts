import { METHODS } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import { Dice } from './dice.ts'
import type { FuzzRun } from './fuzz-run.ts'
import { NodeHttp, ourRequests, ourResponse } from './http-oracle.ts'
import { mutate } from './mutation.ts'

/** Cases that wait for the event loop together. */
const BLOCK = 128
const KNOWN: ReadonlySet<string> = new Set(METHODS)

const REQUESTS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'TRACE']
const STATUS = [
  '200 OK',
  '204 No Content',
  '304 Not Modified',
  '404',
  '500 ',
  '100 Continue\r\n\r\nHTTP/1.1 200 OK',
]
const LENGTHS = [
  '5',
  '0',
  '05',
  '+5',
  '5, 5',
  '-1',
  '5 ',
  ' 5',
  '5\t',
  '0x5',
  '',
  '18446744073709551621',
  '5;',
  '1e0',
]
const CODINGS = [
  ...['chunked', 'Chunked', 'chunked\t', ' chunked ', 'xchunked', 'chunked, identity', 'identity', ''],
  ...['gzip, chunked', 'chunked, chunked', 'chunked;a', '"chunked"', 'gzip', ',chunked', 'chunked,'],
]
const OTHERS = [
  ...[
    'X: 1',
    'X:',
    'X : 1',
    ' X: 1',
    'X: a\x00b',
    'X: a\rb',
    'Connection: close',
    'Connection: keep-alive, X',
  ],
  ...['Host: b', 'Upgrade: h2c', 'TE: trailers', 'X: \xe9', 'Transfer-Encoding : chunked', 'Trailer: X'],
]
const CHUNKS = [
  ...['5\r\nhello\r\n', '05\r\nhello\r\n', '5;a=b\r\nhello\r\n', '5;a="b;c"\r\nhello\r\n', '5 \r\nhello\r\n'],
  ...[
    '5\nhello\r\n',
    '5\r\nhello\n',
    '5\r\nhelloo\r\n',
    '0x5\r\nhello\r\n',
    'a\r\n0123456789\r\n',
    '5;\r\nhello\r\n',
  ],
  ...[
    '5;a =b\r\nhello\r\n',
    '-5\r\nhello\r\n',
    'fffffffffffffffff\r\nhello\r\n',
    'A\r\n0123456789\r\n',
    '\r\n',
  ],
]
const LAST = [
  '0\r\n\r\n',
  '0\r\nX: 1\r\n\r\n',
  '00\r\n\r\n',
  '0\r\n',
  '0\n\n',
  '0;a\r\n\r\n',
  '0\r\nX : 1\r\n\r\n',
  '',
]

/**
 * Has Node's parser and ours read the same requests and responses. What we take, Node takes for the same messages, of the
 * same sizes, one behind the other: then nobody who reads as Node does sees a message where we see none.
 */
export async function fuzzHttp(run: FuzzRun): Promise<string[]> {
  const endsAt = performance.now() + run.seconds * 1000
  return fuzzHttpCases(run, (cases) => performance.now() < endsAt || cases < run.cases)
}

export async function fuzzHttpCases(
  { seed, say }: Pick<FuzzRun, 'seed' | 'say'>,
  goesOn: (cases: number) => boolean,
): Promise<string[]> {
  const dice = new Dice(seed)
  const node = new NodeHttp()
  const flaws: string[] = []
  let cases = 0
  let taken = 0
  while (flaws.length === 0 && goesOn(cases)) {
    const block = Array.from({ length: BLOCK }, (_, at) =>
      at % 4 === 0
        ? { bytes: response(dice), isResponse: true }
        : { bytes: conversation(dice), isResponse: false },
    )
    const found = await Promise.all(
      block.map((each, at) => compare(node, each, REQUESTS[(cases + at) % REQUESTS.length]!)),
    )
    cases += BLOCK
    for (const { flaw, messages } of found) {
      taken += messages
      if (flaw !== undefined) flaws.push(flaw)
    }
  }
  say(`${cases} cases, in which we took ${taken} messages`)
  return flaws.slice(0, 1)
}

async function compare(
  node: NodeHttp,
  { bytes, isResponse }: { bytes: Uint8Array; isResponse: boolean },
  method: string,
): Promise<{ flaw: string | undefined; messages: number }> {
  const one = isResponse ? ourResponse(bytes, method) : undefined
  const ours = isResponse ? (one === undefined ? [] : [one]) : knownOnly(ourRequests(bytes))
  if (ours.length === 0) return { flaw: undefined, messages: 0 }
  const other = isResponse ? await node.response(bytes, method) : undefined
  const theirs = isResponse ? (other === undefined ? [] : [other]) : await node.requests(bytes)
  if (isDeepStrictEqual(ours, theirs.slice(0, ours.length))) return { flaw: undefined, messages: ours.length }
  const input = Buffer.from(bytes).toString('hex')
  return {
    flaw: `${method}: ours ${JSON.stringify(ours)}, Node's ${JSON.stringify(theirs)}\n  input: ${input}`,
    messages: ours.length,
  }
}

/** Node takes the methods of a list; a proxy has no reason to. */
function knownOnly<T extends { start: string }>(messages: readonly T[]): readonly T[] {
  const stranger = messages.findIndex(({ start }) => !KNOWN.has(start.split(' ')[0]!))
  return stranger < 0 ? messages : messages.slice(0, stranger)
}

function conversation(dice: Dice): Uint8Array {
  const messages = Array.from({ length: 1 + dice.below(2) }, () => {
    const version = dice.once(8) ? '1.0' : '1.1'
    return message(dice, `${dice.pick(REQUESTS)} http://a/ HTTP/${version}\r\nHost: a\r\n`)
  })
  const whole = Buffer.from(`${messages.join('')}GET http://last/ HTTP/1.1\r\nHost: last\r\n\r\n`, 'latin1')
  return dice.once(2) ? whole : mutate(dice, whole)
}

function response(dice: Dice): Uint8Array {
  const whole = Buffer.from(
    message(dice, `HTTP/1.${dice.once(8) ? 0 : 1} ${dice.pick(STATUS)}\r\n`),
    'latin1',
  )
  return dice.once(2) ? whole : mutate(dice, whole)
}

function message(dice: Dice, start: string): string {
  const fields = Array.from({ length: dice.below(3) }, () => dice.pick(OTHERS))
  if (!dice.once(3)) {
    if (dice.once(2)) fields.push(`Content-Length: ${mostly(dice, LENGTHS)}`)
    else fields.push(`Transfer-Encoding: ${mostly(dice, CODINGS)}`)
    if (dice.once(12)) fields.push(dice.once(2) ? 'Content-Length: 5' : 'Transfer-Encoding: chunked')
  }
  const isChunked = fields.some((field) => field.startsWith('Transfer'))
  const chunks = (): string => mostly(dice, CHUNKS).repeat(dice.below(3)) + mostly(dice, LAST)
  const body = isChunked
    ? chunks()
    : 'hello'.repeat(fields.some((field) => field.startsWith('Content')) ? 1 : 0)
  return `${start}${fields.map((field) => `${field}\r\n`).join('')}\r\n${body}`
}

/** The first, which is the right one, in half of all cases. */
const mostly = (dice: Dice, list: readonly string[]): string => (dice.once(2) ? list[0]! : dice.pick(list))
