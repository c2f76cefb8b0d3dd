import { afterAll, beforeAll, expect, test } from 'vitest'
import { BODY, httpOrigin, type Origin, tcpOrigin } from './origin.ts'
import { run } from './process.ts'
import { SsClients } from './ss-clients.ts'
import { SsNode, type SsRow, ssUsage } from './ss-node.ts'

const METHODS = ['aes-128-gcm', 'aes-256-gcm', 'chacha20-ietf-poly1305']
const ROWS: SsRow[] = Array.from({ length: 30 }, (_, index) => ({
  user_id: index + 1,
  method: METHODS[index % METHODS.length]!,
  password: `password of ${index + 1}`,
}))
/** First, last, and one between. */
const ASKED = [1, 17, 30]
let node: SsNode
let clients: SsClients
let web: Origin

beforeAll(async () => {
  web = await httpOrigin()
  clients = new SsClients()
  node = await SsNode.start({ rows: ROWS }, '--port', '0')
})
afterAll(async () => {
  await clients[Symbol.asyncDispose]()
  await node[Symbol.asyncDispose]()
  web[Symbol.dispose]()
})

const get = async (socks: number, port: number): Promise<Buffer> => {
  const way = ['-sS', '--max-time', '20', '--socks5-hostname', `127.0.0.1:${socks}`, '--http0.9']
  const { stdout, stderr } = await run('curl', [...way, `http://localhost:${port}/`])
  expect(stderr).toBe('')
  return stdout
}

const local = (id: number, password?: string): Promise<number> => {
  const row = ROWS[id - 1]!
  return clients.local({ port: node.port, method: row.method, password: password ?? row.password })
}

test('of thirty users on one port each is told apart, and pays for their own', async () => {
  for (const id of ASKED) {
    const socks = await local(id)
    for (let times = 0; times < Math.min(id, 3); times += 1) await get(socks, web.port)
  }
  for (const id of ASKED) {
    const paid = async (): Promise<number> => (await ssUsage(node.data, `file-${id}`)).down
    const least = Math.min(id, 3) * BODY.length
    await expect.poll(paid, { interval: 200 }).toBeGreaterThan(least)
    expect(await paid()).toBeLessThan(least + 1000)
  }
})

test('a client with a wrong password gets nothing', async () => {
  const socks = await local(1, 'wrong')
  const way = ['-sS', '--max-time', '1', '--socks5-hostname', `127.0.0.1:${socks}`]
  const { status, stdout } = await run('curl', [...way, `http://127.0.0.1:${web.port}/`])
  expect([status, stdout.length]).toEqual([28, 0])
})

test('an answer that ends with its connection arrives whole', async () => {
  using origin = await tcpOrigin((socket) => void socket.once('data', () => socket.end(BODY)))
  expect((await get(await local(2), origin.port)).equals(BODY)).toBe(true)
})
