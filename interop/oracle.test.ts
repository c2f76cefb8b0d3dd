import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deadPort, echoOrigin, type Origin } from './origin.ts'
import { start, stop } from './process.ts'
import { Sluice, temporaryFolder } from './sluice.ts'

// The same scripted bytes to three SOCKS5 servers. What we answer is what RFC 1928 says; where the others answer
// otherwise stands in the table too, so that it is seen when either changes its mind.

const folder = temporaryFolder()
const disposals: (() => Promise<unknown> | void)[] = []
let echo: Origin

/** A server, and what one says to sign in there; each message has an answer of two bytes. */
interface Peer {
  readonly address: string
  readonly signIn: readonly Buffer[]
}
const peers: Record<string, Peer> = {}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
/** `ora` with the password `cle`, and none at all. */
const SIGN_IN = [hex('05 01 02'), hex('01 03 6f7261 03 636c65')]
const NOBODY = [hex('05 01 00')]

const accepts = async (port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

const dante = (port: number): string => `
logoutput: ${join(folder, 'dante.log')}
internal: 127.0.0.1 port = ${port}
external: 127.0.0.1
clientmethod: none
socksmethod: none
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 command: connect }
`

/** Starts a server on a port that is free, or was a moment ago: then on another. */
const launch = async (
  name: string,
  signIn: readonly Buffer[],
  argsFor: (port: number) => string[],
): Promise<void> => {
  for (let tries = 0; tries < 5; tries += 1) {
    const port = await deadPort()
    const child = start(name, argsFor(port))
    while (child.exitCode === null && !(await accepts(port))) await sleep(20)
    if (child.exitCode !== null) continue
    disposals.push(() => stop(child))
    peers[name] = { address: `127.0.0.1:${port}`, signIn }
    return
  }
  throw new Error(`${name} did not start`)
}

const danted = (port: number): string[] => {
  const file = join(folder, 'dante.conf')
  writeFileSync(file, dante(port))
  return ['-f', file, '-p', join(folder, 'dante.pid')]
}
const microsocks = (port: number): string[] => [
  '-i',
  '127.0.0.1',
  '-p',
  String(port),
  '-u',
  'ora',
  '-P',
  'cle',
]

beforeAll(async () => {
  echo = await echoOrigin()
  const sluice = await Sluice.start()
  disposals.push(
    () => sluice[Symbol.asyncDispose](),
    () => echo[Symbol.dispose](),
  )
  await sluice.add('ora', 'cle')
  peers['sluice'] = { address: sluice.socks, signIn: SIGN_IN }
  await launch('danted', NOBODY, danted)
  await launch('microsocks', SIGN_IN, microsocks)
})
afterAll(async () => {
  for (const dispose of disposals) await dispose()
  rmSync(folder, { recursive: true })
})

/** A peer that says nothing for so long will not say anything. */
const SILENT_MS = 3000

/**
 * What a peer says to a request: its reply code, and what came back of the payload. The client waits for each answer,
 * or sends everything at once.
 */
const ask = async (
  { address, signIn }: Peer,
  request: Buffer,
  payload: string,
  atOnce = false,
): Promise<string> => {
  const [host, port] = address.split(':')
  const socket = connect({ host: host!, port: Number(port), allowHalfOpen: true })
  const closed = once(socket, 'close')
  socket.on('error', () => {}).setTimeout(SILENT_MS, () => socket.destroy())
  let answer = Buffer.alloc(0)
  socket.on('data', (chunk) => (answer = Buffer.concat([answer, chunk])))
  const messages = [...signIn, request, Buffer.from(payload)].filter(({ length }) => length > 0)
  if (atOnce) socket.write(Buffer.concat(messages))
  else {
    for (const message of messages) {
      socket.write(message)
      await Promise.race([once(socket, 'data'), closed])
    }
  }
  socket.end()
  await closed
  const reply = answer.subarray(2 * signIn.length)
  if (reply.length === 0) return 'nothing'
  return reply[1] === 0 ? `0 ${reply.subarray(10).toString()}`.trim() : `${reply[1]}`
}

const portOf = (port: number): Buffer => Buffer.from([port >> 8, port & 255])
const toEcho = (): Buffer => Buffer.concat([hex('05 01 00 01 7f000001'), portOf(echo.port)])
const toName = (): Buffer => Buffer.concat([hex('05 01 00 03 09 6c6f63616c686f7374'), portOf(echo.port)])
const toNobody = async (): Promise<Buffer> =>
  Buffer.concat([hex('05 01 00 01 7f000001'), portOf(await deadPort())])

const compare = async (
  names: readonly string[],
  request: Buffer,
  ...how: [string, boolean?]
): Promise<Record<string, string>> => {
  const asked = names.map(async (name) => [name, await ask(peers[name]!, request, ...how)] as const)
  return Object.fromEntries(await Promise.all(asked))
}

test.each([
  ['IPv4', toEcho, 'ping', '0 ping', {}],
  ['a name', toName, 'ping', '0 ping', {}],
  ['nothing behind it', toEcho, '', '0', {}],
  ['a closed port', toNobody, '', '5', {}],
  [
    'a name that nobody has',
    () => hex('05 01 00 03 0e 6e6f626f64792e696e76616c6964 0050'),
    '',
    '4',
    { microsocks: '1' },
  ],
  // Its rules allow CONNECT alone, and that is what it says.
  ['BIND', () => hex('05 02 00 01 7f000001 0050'), '', '7', { danted: '2' }],
  ['UDP ASSOCIATE', () => hex('05 03 00 01 00000000 0000'), '', '7', { danted: '2' }],
  ['an unknown command', () => hex('05 09 00 01 7f000001 0050'), '', '7', { danted: 'nothing' }],
  ['an unknown address type', () => hex('05 01 00 02 7f000001 0050'), '', '8', { danted: 'nothing' }],
] as const)('%s', async (_, request, payload, wanted, others) => {
  const answers = await compare(['sluice', 'danted', 'microsocks'], await request(), payload)
  expect(answers).toEqual({ sluice: wanted, danted: wanted, microsocks: wanted, ...others })
})

test.each([toEcho, toName])('everything in one segment, which microsocks does not take', async (request) => {
  const answers = await compare(['sluice', 'danted'], request(), 'ping', true)
  expect(answers).toEqual({ sluice: '0 ping', danted: '0 ping' })
})
