import { once } from 'node:events'
import { type ClientOptions, WebSocket } from 'ws'
import { Reader } from '../reader.ts'
import { acceptWebSocket, type AcceptedWebSocket, type AcceptOptions } from '../ws/accept.ts'
import { Door } from './loopback.ts'

export const SUBPROTOCOL = 'test.v1'

/** Somebody else's client at our server, both open. Its messages and its close are kept. */
export interface WsPair extends AcceptedWebSocket {
  readonly client: WebSocket
  readonly messages: Buffer[]
  /** The code with which it was closed. */
  readonly closed: Promise<number>
}

export const clientOf = (port: number, path = '/', options: ClientOptions = {}): WebSocket =>
  new WebSocket(`ws://127.0.0.1:${port}${path}`, SUBPROTOCOL, { perMessageDeflate: false, ...options })

export const acceptedWs = async (options: Partial<AcceptOptions> = {}): Promise<WsPair> => {
  const door = await Door.open()
  const client = clientOf(door.port)
  const messages: Buffer[] = []
  client.on('message', (message: Buffer) => messages.push(message)).on('error', () => {})
  const closed = once(client, 'close').then(([code]) => code as number)
  const opened = once(client, 'open')
  const accepted = await acceptWebSocket(new Reader(await door.next(), 1024), {
    subprotocol: SUBPROTOCOL,
    ...options,
  })
  await opened
  door.close()
  return { ...accepted, client, messages, closed }
}
