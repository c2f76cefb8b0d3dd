import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HttpsProxy } from './https-proxy.ts'
import { run } from './process.ts'

const CLIENTS = 5000
/** A source address has only so many ports. */
const SOURCES = 10

let origin: Server
let proxy: HttpsProxy

beforeAll(async () => {
  origin = createServer((_request, response) => void response.end('hello'))
  await once(origin.listen(0, '127.0.0.1'), 'listening')
  proxy = await HttpsProxy.start('--open', '--handshake-timeout', '15', '--log-level', 'warn')
})
afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  origin.close()
})

const slowClient = async (nth: number): Promise<Socket> => {
  const [host = '', port = ''] = proxy.proxy.split(':')
  const localAddress = `127.0.0.${2 + (nth % SOURCES)}`
  const socket = connect({ host, port: Number(port), localAddress }).on('error', () => {})
  await once(socket, 'connect')
  socket.write('POST /v1/requests HT')
  return socket.resume()
}

test(
  'wrk is served beside 5,000 clients that never come to the end of their request, and these are let go',
  { timeout: 120_000 },
  async () => {
    const slow: Socket[] = []
    for (let from = 0; from < CLIENTS; from += 250)
      slow.push(...(await Promise.all(Array.from({ length: 250 }, (_, at) => slowClient(from + at)))))
    let over = 0
    for (const socket of slow) socket.once('close', () => (over += 1))
    // A client is connected before the program has taken it from the kernel's queue.
    const isBeside = async (): Promise<boolean> =>
      Number((await proxy.status())['active_connections']) >= CLIENTS - over
    await expect.poll(isBeside).toBe(true)

    const url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}/`
    const { stdout } = await run(
      'wrk',
      ['-t', '1', '-c', '50', '-d', '5', '-s', '/dev/stdin', `http://${proxy.proxy}`],
      `wrk.path = '${url}'\n`,
    )
    const told = stdout.toString()
    expect(told).not.toMatch(/Socket errors|Non-2xx/)
    expect(Number(/(\d+) requests in/.exec(told)?.[1])).toBeGreaterThan(500)

    await expect.poll(() => over, { timeout: 60_000 }).toBe(CLIENTS)
    await expect.poll(async () => (await proxy.status())['active_connections']).toBe(0)
  },
)
