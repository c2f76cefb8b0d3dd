import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:http2'
import { PassThrough, type Readable, Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeBasic, encodePreamble } from '@sluice/wire'
import { askJson, type HttpsLogin, requestAt } from './https-client.ts'
import { HttpTunnel } from './http-tunnel.ts'

/** The ways in which a request can carry bytes both ways, and the one in which they go whole. */
export const HTTPS_WAYS = ['forward', 'stream', 'h2', 'json'] as const
export type HttpsWay = (typeof HTTPS_WAYS)[number]

/** So that somebody who is refused does not come again at once. */
const REFUSED_MS = 100
const STREAM = { 'content-type': 'application/vnd.sluice.request' }

/** Posts to `url` and gives what goes and comes; the target has the first of it when something is written. */
export function openHttpsTunnel(way: HttpsWay, at: HttpsLogin, url: string): HttpTunnel {
  if (way === 'json') return inJson(at, url)
  return way === 'h2' ? overH2(at, url) : overH1(way, at, url)
}

const preamble = (url: string): Uint8Array => encodePreamble(JSON.stringify({ url, method: 'POST' }))

const overH1 = (way: 'forward' | 'stream', at: HttpsLogin, url: string): HttpTunnel => {
  const login = encodeBasic(at.login)
  const asked = request(
    way === 'forward'
      ? requestAt(at, { method: 'POST', path: url, headers: { Host: 'a', 'Proxy-Authorization': login } })
      : requestAt(at, { method: 'POST', path: '/v1/requests', headers: { ...STREAM, Authorization: login } }),
  )
  const tunnel = new HttpTunnel({
    up: asked,
    reset: () => {
      if (asked.socket && !asked.socket.destroyed) asked.socket.resetAndDestroy()
      else asked.destroy()
    },
  })
  asked.on('response', (answer: IncomingMessage) => {
    if (answer.statusCode !== 200) void refused(tunnel)
    else tunnel.attach(way === 'forward' ? answer : behindPreamble(answer))
  })
  if (way === 'stream') asked.write(preamble(url))
  return tunnel
}

const overH2 = (at: HttpsLogin, url: string): HttpTunnel => {
  const session = connect(`http://127.0.0.1:${at.port}`)
  const headers = { ':method': 'POST', ':path': '/v1/requests', authorization: encodeBasic(at.login) }
  const stream = session.on('error', () => undefined).request({ ...headers, ...STREAM }, { endStream: false })
  const tunnel = new HttpTunnel({ up: stream, reset: () => session.destroy() })
  stream
    .on('close', () => session.close())
    .on('response', ({ ':status': status }) => {
      if (status !== 200) void refused(tunnel)
      else tunnel.attach(behindPreamble(stream))
    })
  stream.write(preamble(url))
  return tunnel
}

const refused = async (tunnel: HttpTunnel): Promise<void> => {
  await sleep(REFUSED_MS)
  tunnel.destroy()
}

/** What follows the preamble of an answer. */
const behindPreamble = (answer: Readable): Readable => {
  let head: Buffer | undefined = Buffer.alloc(0)
  const rest = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      if (head === undefined) return done(null, chunk)
      head = Buffer.concat([head, chunk])
      const size = head.length < 4 ? Infinity : 4 + head.readUInt32BE()
      if (head.length < size) return done()
      const body = head.subarray(size)
      head = undefined
      done(null, body.length > 0 ? body : undefined)
    },
  })
  answer
    .on('error', () => rest.destroy())
    .on('close', () => {
      if (!answer.readableEnded) rest.destroy()
    })
  return answer.pipe(rest)
}

const inJson = (at: HttpsLogin, url: string): HttpTunnel => {
  const up = new PassThrough()
  const tunnel = new HttpTunnel({ up, reset: () => up.destroy() })
  const answer = new PassThrough()
  tunnel.attach(answer)
  void buffer(up)
    .then((body) => askJson(at, url, { method: 'POST', body: body.toString('base64') }))
    .then((body) => answer.end(body))
    .catch(() => sleep(REFUSED_MS).then(() => tunnel.destroy()))
  return tunnel
}
