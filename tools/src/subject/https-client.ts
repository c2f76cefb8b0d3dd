import { once } from 'node:events'
import { type IncomingMessage, request, type RequestOptions } from 'node:http'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { type Credentials, decodeCompatResponse, encodeBasic, encodeCompatRequest } from '@sluice/wire'

const ANSWER_MS = 20_000
const KEY = Uint8Array.from({ length: 40 }, (_, at) => 3 * at + 1)

/** Who asks where. */
export interface HttpsLogin {
  readonly port: number
  readonly login: Credentials
}

/** A request to the door that ends with its connection. */
export const requestAt = ({ port }: Pick<HttpsLogin, 'port'>, options: RequestOptions): RequestOptions => ({
  ...{ host: '127.0.0.1', port, agent: false, timeout: ANSWER_MS },
  ...options,
})

/** What the target answers to a forwarded GET. @throws Error where that is not told with 200 */
export const askForward = (at: HttpsLogin, url: string): Promise<Buffer> =>
  ask(requestAt(at, { path: url, headers: { Host: 'a', 'Proxy-Authorization': encodeBasic(at.login) } }), '')

/** The same by the API, in JSON. @param more of the request @throws Error */
export async function askJson(at: HttpsLogin, url: string, more: object = {}): Promise<Buffer> {
  const headers = { Authorization: encodeBasic(at.login), 'Content-Type': 'application/json' }
  const answer = await ask(
    requestAt(at, { method: 'POST', path: '/v1/requests', headers }),
    JSON.stringify({ url, ...more }),
  )
  const { status, body } = JSON.parse(answer.toString()) as { status: number; body: string }
  if (status !== 200) throw new Error(`API: ${answer.toString()}`)
  return Buffer.from(body, 'base64')
}

const ask = async (options: RequestOptions, body: string): Promise<Buffer> => {
  const asked = request(options)
  asked.on('timeout', () => asked.destroy(new Error(`no answer in ${ANSWER_MS} ms`)))
  asked.end(body)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const bytes = await buffer(answer)
  if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}: ${bytes.toString()}`)
  return bytes
}

export interface CompatAnswer {
  readonly status_code: number
  readonly body: string
}

/** One request in the frames of old clients, on a connection of its own. @throws Error where it ends without an answer */
export async function askCompat(port: number, wish: object): Promise<CompatAnswer> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const timer = setTimeout(() => socket.destroy(new Error(`no answer in ${ANSWER_MS} ms`)), ANSWER_MS)
  const data = Buffer.from(JSON.stringify(wish))
  socket.write(encodeCompatRequest({ nonce: Uint8Array.of(1, 2, 3, 4), key: KEY, data }))
  try {
    const chunks: Buffer[] = []
    for await (const chunk of socket) {
      chunks.push(chunk as Buffer)
      const frame = decodeCompatResponse(Buffer.concat(chunks))
      if (frame !== undefined) return JSON.parse(Buffer.from(frame.value.data).toString()) as CompatAnswer
    }
    throw new Error('compat: closed without an answer')
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}
