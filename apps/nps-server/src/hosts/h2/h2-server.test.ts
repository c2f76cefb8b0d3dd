import { once } from 'node:events'
import { connect, createServer, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { queryObjects } from 'node:v8'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { TestHosts } from '../testing/test-hosts.ts'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const SETTINGS = Buffer.from('000000040000000000', 'hex')
/** A PING of a stream, which there is not (RFC 9113 §6.7). */
const BAD_PING = Buffer.from('0000080600000000030000000000000000', 'hex')

let hosts: TestHosts
beforeAll(async () => {
  hosts = await TestHosts.open([], '--https', '127.0.0.1:0')
})
afterAll(() => hosts[Symbol.asyncDispose]())

const sessionClass = async (): Promise<new () => ServerHttp2Session> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const [session] = (await once(server, 'session')) as [ServerHttp2Session]
  client.destroy()
  await once(session, 'close')
  server.close()
  return session.constructor as never
}

const breakRules = async (inOne: boolean): Promise<void> => {
  const to = { host: '127.0.0.1', port: hosts.securePort, ALPNProtocols: ['h2'], rejectUnauthorized: false }
  const client = connectTls(to).on('error', () => {})
  client.write(Buffer.concat([PREFACE, SETTINGS, ...(inOne ? [BAD_PING] : [])]))
  await once(client, 'data')
  if (!inOne) client.write(BAD_PING)
  const closed = once(client, 'close')
  client.resume()
  await closed
}

it.each([true, false])('keeps nothing of a client that broke the rules at once: %s', async (inOne) => {
  const Session = await sessionClass()
  for (let i = 0; i < 5; i += 1) await breakRules(inOne)
  await hosts.program.sessions.drained()
  await expect.poll(() => queryObjects(Session, { format: 'count' })).toBe(0)
})

it('lets go of a client that has nothing more to ask', async () => {
  await using hasty = await TestHosts.open([], '--https', '127.0.0.1:0', '--keep-alive-timeout', '100ms')
  const client = connect(`https://127.0.0.1:${hasty.securePort}`, { rejectUnauthorized: false })
  const stream = client.request({ ':authority': 'nobody.example' })
  await once(stream.resume(), 'close')
  await once(client, 'close')
  expect(stream.rstCode).toBe(0)
})
