// A panel whose list grows from one user to many, and the last of them, who comes in as soon as that can be. Its one
// argument is a JSON of PanelOrder. stdout: `listening PORT`; after any line on stdin the next that asks is told of all users, and
// then `served MS`: from its question until the last user's request was answered by the target.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeSsRequest, ssKey, ssMethod } from '@sluice/wire/shadowsocks'
import type { PanelOrder } from '../peers/panel.ts'

const LOOK_EVERY_MS = 5
const HELLO_BYTES = 64

const order: PanelOrder = JSON.parse(process.argv[2] ?? '')
const secretOf = (id: number): string => (id === 0 ? order.secret : `${order.secret} ${id}`)
/** A user behind all others, with a port that opens when all others are known: to try on would cost the node a lot. */
const SIGN = 99_999
const signPort = order.port + order.count
const portOf = (id: number): number => {
  if (id === SIGN) return signPort
  return order.port + (order.isShared ? 0 : id)
}

function listOf(count: number): Buffer {
  const ids = Array.from({ length: count }, (_, id) => id)
  const users = (count === 1 ? ids : [...ids, SIGN]).map((id) => {
    const place = { port: portOf(id), method: order.method, password: secretOf(id) }
    return { user_id: id, ...place, enable: true, speed_limit: 0, tcp_conn_num: 60 }
  })
  return Buffer.from(JSON.stringify({ users }))
}

const one = listOf(1)
const all = listOf(order.count)
let isAllTold = false
let asked: PromiseWithResolvers<number> = Promise.withResolvers()

const panel: Server = createServer((request, response) => {
  request.resume()
  response.setHeader('content-type', 'application/json')
  if (request.method !== 'GET') return response.end('{}')
  if (isAllTold) asked.resolve(performance.now())
  return response.end(isAllTold ? all : one)
}).listen(0, '127.0.0.1')
await once(panel, 'listening')
const address = panel.address()
console.log(`listening ${address === null || typeof address === 'string' ? 0 : address.port}`)
await once(process.stdin, 'data')
isAllTold = true
const begun = await asked.promise
await comeIn()
console.log(`served ${performance.now() - begun}`)

async function comeIn(): Promise<void> {
  while (!(await isOpen(signPort))) await sleep(LOOK_EVERY_MS)
  const last = order.count - 1
  const key = ssKey(ssMethod(order.method)!, secretOf(last))
  const early = Buffer.alloc(HELLO_BYTES)
  early.write('R')
  const target = { host: '127.0.0.1', port: order.origin }
  const socket = connect(portOf(last), '127.0.0.1')
  socket.write(encodeSsRequest(key, randomBytes(key.method.saltBytes), { target, early }).bytes)
  await once(socket, 'data')
}

async function isOpen(port: number): Promise<boolean> {
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
