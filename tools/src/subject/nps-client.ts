import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { request as requestSecurely } from 'node:https'
import { createConnection } from 'node:net'
import { buffer, text as textOf } from 'node:stream/consumers'
import { type Enrolment, parseEnrolment } from '@sluice/nps-server/client'
import { randomBytes } from 'node:crypto'
import type { Installed } from './install.ts'

const HOST = '127.0.0.1'
const ANSWER_MS = 20_000
const TRIES = 10

/** A client of nps-server, and by what its programs come. */
export interface NpsClient {
  readonly id: number
  readonly vkey: string
  /** As it is given to the program. */
  readonly enroll: string
  readonly enrolment: Enrolment
}

/** Adds one whose bridge is at this port. */
export async function addNpsClient(
  installed: Installed,
  bridge: number,
  flags: readonly string[] = [],
): Promise<NpsClient> {
  const words = ['client', 'add', '--json', '--server', `${HOST}:${bridge}`, ...flags]
  const { id, vkey, enroll } = JSON.parse(await installed.command(words)) as Omit<NpsClient, 'enrolment'>
  return { id, vkey, enroll, enrolment: parseEnrolment(enroll) }
}

/** One request to the REST API of nps-server. @returns what it says @throws Error for another status than one of 200 to 299 */
export async function askRest<T>(
  { port, token }: { port: number; token: string },
  line: string,
  body?: object,
): Promise<T> {
  const [method, path] = line.split(' ')
  const type = body && { 'Content-Type': 'application/json' }
  const headers = { Authorization: `Bearer ${token}`, ...type }
  const asked = request({ host: HOST, port, method, path, headers, agent: false, timeout: ANSWER_MS })
  asked.on('timeout', () => asked.destroy(new Error('no answer')))
  asked.end(body && JSON.stringify(body))
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const said = await textOf(answer)
  if (Math.floor((answer.statusCode ?? 0) / 100) !== 2) throw new Error(`${line}: ${said}`)
  return (said === '' ? undefined : JSON.parse(said)) as T
}

/** @throws Error unless what is said through the tunnel at this port comes back */
export async function askEcho(port: number): Promise<void> {
  const socket = createConnection({ port, host: HOST, noDelay: true, timeout: ANSWER_MS })
  socket.on('timeout', () => socket.destroy(new Error('no answer')))
  const said = randomBytes(100)
  socket.write(said)
  // Not before: through npc, an end is one of both halves.
  socket.once('data', () => socket.end())
  const heard = await buffer(socket)
  if (!heard.equals(said)) throw new Error(`port ${port} says ${JSON.stringify(heard.toString('latin1'))}`)
}

/** What `host` answers to GET. @throws Error for another status than 200 */
export async function askHost(port: number, host: string, isSecure: boolean): Promise<string> {
  const options = { host: HOST, port, path: '/ok', headers: { host }, agent: false, timeout: ANSWER_MS }
  const asked = isSecure
    ? requestSecurely({ ...options, servername: host, rejectUnauthorized: false })
    : request(options)
  asked.on('timeout', () => asked.destroy(new Error('no answer')))
  asked.end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const said = await textOf(answer)
  if (answer.statusCode !== 200) throw new Error(`${host} says ${answer.statusCode}: ${said}`)
  return said
}

/** @throws Error unless a datagram to the tunnel at this port comes back; some may be lost */
export async function askDatagram(port: number): Promise<void> {
  const socket = createSocket('udp4')
  const over = new AbortController()
  const sending = setInterval(() => socket.send('ping', port, HOST), ANSWER_MS / TRIES)
  const late = setTimeout(() => over.abort(new Error('no datagram came back')), ANSWER_MS)
  try {
    socket.send('ping', port, HOST)
    await once(socket, 'message', { signal: over.signal })
  } finally {
    clearInterval(sending)
    clearTimeout(late)
    socket.close()
  }
}
