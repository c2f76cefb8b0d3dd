import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deadPort, type Origin, tcpOrigin } from './origin.ts'
import { type SsTarget, SsClients } from './ss-clients.ts'
import { SsNode, type SsRow } from './ss-node.ts'

const DEADLINE_MS = 2000
const METHODS = ['aes-256-gcm', 'chacha20-ietf-poly1305']
const KEY_2022 = Buffer.alloc(32, 3).toString('base64')
const ROWS: SsRow[] = []
let node: SsNode
let clients: SsClients
/** Says something to whoever comes. */
let greeting: Origin
/** Reads and says nothing, as long as the deadline is. */
let silent: Origin
/** Of libev, one for each method of 2017. */
const theirs = new Map<string, number>()

beforeAll(async () => {
  clients = new SsClients()
  greeting = await tcpOrigin((socket) => void socket.resume().write('welcome'))
  silent = await tcpOrigin((socket) => {
    socket.resume()
    setTimeout(() => socket.end(), DEADLINE_MS).unref()
  })
  for (const method of [...METHODS, '2022-blake3-aes-256-gcm']) {
    const password = method.startsWith('2022') ? KEY_2022 : 'x'
    ROWS.push({ user_id: ROWS.length + 1, port: await deadPort(), method, password })
  }
  const limits = ['--handshake-timeout', `${DEADLINE_MS}ms`, '--unauthenticated-per-ip', '5000']
  node = await SsNode.start({ rows: ROWS }, ...limits)
  for (const method of METHODS) theirs.set(method, await clients.server(method, 'x'))
})
afterAll(async () => {
  await clients[Symbol.asyncDispose]()
  await node[Symbol.asyncDispose]()
  for (const origin of [greeting, silent]) origin[Symbol.dispose]()
})

/** What a client sees that sends these bytes and waits. */
interface Seen {
  readonly bytes: Buffer
  readonly end: 'fin' | 'rst' | 'none'
  readonly ms: number
}

/** For how long after the deadline an end is waited for that has to come, and one that has not to. */
const PATIENCE_MS = 20_000
const LOOK_MS = 2000

const probe = async (port: number, sent: Uint8Array, patienceMs = PATIENCE_MS): Promise<Seen> => {
  // A server has them later than this.
  const began = performance.now()
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const chunks: Buffer[] = []
  let end: Seen['end'] = 'none'
  const over = new Promise<void>((resolve) => {
    socket.once('end', () => resolve(void (end = 'fin')))
    socket.on('error', () => resolve(void (end = 'rst')))
    setTimeout(resolve, DEADLINE_MS + patienceMs).unref()
  })
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  if (sent.length > 0) socket.write(sent)
  await over
  const ms = performance.now() - began
  socket.destroy()
  return { bytes: Buffer.concat(chunks), end, ms }
}

/** Two clients cannot be told apart by this. */
const shape = ({ bytes, end, ms }: Seen): string =>
  `${bytes.length} bytes, ${end}, ${ms > DEADLINE_MS - 100 ? 'at the deadline' : `after ${Math.round(ms)} ms`}`

const shapes = async (port: number, probes: readonly Uint8Array[]): Promise<string[]> => {
  const seen = await Promise.all(probes.map((sent) => probe(port, sent)))
  return [...new Set(seen.map(shape))]
}

const EMPTY: Buffer = Buffer.alloc(0)

/** Of the methods of 2017 here: the salt, a sealed length and a sealed IPv4 address. That alone is a whole request. */
const HEAD_BYTES = 32 + (2 + 16) + (7 + 16)

/** What a real client sends first, on its way to the greeting. */
const recorded = async ({ method, password }: SsTarget): Promise<Buffer> => {
  let first: Buffer = EMPTY
  using recorder = await tcpOrigin((socket) => {
    // Of one conn alone: whether the tunnel listens was asked by another, which it led here, too.
    socket.once('data', (chunk: Buffer) => (first = first.length === 0 ? chunk : first))
  })
  const tunnel = { port: recorder.port, method, password, to: greeting.port }
  const port = method.startsWith('2022')
    ? (await clients.singBox([tunnel]))[0]!
    : await clients.tunnel(tunnel)
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  // ss-tunnel waits for something to send; sing-box, without it, sends a head that is all there is.
  if (!method.startsWith('2022')) socket.write('ping')
  await expect.poll(() => first.length).toBeGreaterThanOrEqual(HEAD_BYTES)
  socket.destroy()
  return method.startsWith('2022') ? first : first.subarray(0, HEAD_BYTES)
}

const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
  const copy = Uint8Array.from(bytes)
  copy[at]! ^= 0x55
  return copy
}

/** A request that is let in; the client ends it when it was answered. @returns the answer, sealed */
const answerTo = async (port: number, request: Uint8Array): Promise<Buffer> => {
  const socket = connect({ port, host: '127.0.0.1' }).on('error', () => {})
  socket.write(request)
  const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(PATIENCE_MS) })) as [Buffer]
  socket.destroy()
  return answer
}

/** Of one that it has not seen, of one that it has, and what it said to that. */
const probesOf = (fresh: Uint8Array, used: Uint8Array, answer: Uint8Array): Uint8Array[] => [
  ...Array.from({ length: 222 }, (_, length) => randomBytes(length)),
  ...Array.from({ length: fresh.length }, (_, length) => fresh.subarray(0, length)),
  ...Array.from(fresh, (_, at) => flipped(fresh, at)),
  ...[used, used, Buffer.concat([used, used]), answer],
  ...Array.from(used, (_, at) => flipped(used, at)),
]

describe.concurrent('who probes sees what a client sees that says nothing', () => {
  test.each([0, 1, 2])('on the port of user %i, and it is what a silent server shows', async (index) => {
    const { port = 0, method, password } = ROWS[index]!
    const nothing = shape(await probe(silent.port, Buffer.alloc(0)))
    expect(nothing).toBe('0 bytes, fin, at the deadline')
    const [fresh, used] = [
      await recorded({ port, method, password }),
      await recorded({ port, method, password }),
    ]
    const answer = await answerTo(port, used)
    expect(await shapes(port, probesOf(fresh, used, answer))).toEqual([nothing])
  })

  /** It waits for longer than we look, and answers nothing either. */
  test.each(METHODS)('on ss-server with %s', async (method) => {
    const port = theirs.get(method)!
    const server = { port, method, password: 'x' }
    const fresh = await recorded(server)
    const seen = await Promise.all(probesOf(fresh, EMPTY, EMPTY).map((sent) => probe(port, sent, LOOK_MS)))
    expect(new Set(seen.map(({ bytes, end }) => `${bytes.length} bytes, ${end}`))).toEqual(
      new Set(['0 bytes, none']),
    )
  })
})
