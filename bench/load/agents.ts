// Clients of nps-server, and the target of their tunnels, in one process. Its one argument is a file with a JSON of AgentsOrder;
// stdout is as that of tcpload.
//   idle     all come in, and stay for `hold` seconds
//   return   all come in; after `hold` seconds all connections are cut at one moment: until the last is in again
//   restart  all come in; after `hold` seconds whoever reads BEGIN restarts the server: until a byte has come back through each tunnel
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Conn, createDial, createResolver, type Dial } from '@sluice/net'
import { TunnelClient } from '@sluice/nps-server/client'
import type { AgentsOrder, LoadResult } from '../load.ts'

const order: AgentsOrder = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'))
const hold = (order.hold ?? 1) * 1000
const PROBE_PAUSE_MS = 20
/** Clients that come in at a time, at first. */
const RAMP = 16

const mark = (word: string): void => console.log(word)
const result: LoadResult = { seconds: 0, fails: 0, exchanges: { count: 0, p50us: 0, p99us: 0, maxus: 0 } }

const anywhere = createDial({ policy: { check: () => {} }, resolver: createResolver() })
const lines = new Set<Conn>()
const dial: Dial = async (...args) => {
  const conn = await anywhere(...args)
  lines.add(conn)
  return conn
}

// Each client's log waits for the end of the process.
process.setMaxListeners(0)

let up = 0
let onUp = (): void => {}
const clients = order.places.map(
  ({ enroll }) =>
    new TunnelClient({ enrolment: enroll, dial, events: { up: () => count(1), down: () => count(-1) } }),
)

function count(by: number): void {
  up += by
  onUp()
}

async function until(isSo: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  onUp = () => void (isSo() && resolve())
  onUp()
  await promise
}

async function comeIn(): Promise<void> {
  mark('START')
  for (let at = 0; at < clients.length; at += RAMP) {
    const some = clients.slice(at, at + RAMP)
    for (const client of some) client.start()
    await until(() => up === at + some.length)
  }
  await sleep(hold)
}

async function timed(work: () => Promise<void>): Promise<void> {
  const from = performance.now()
  mark('BEGIN')
  await work()
  result.seconds = (performance.now() - from) / 1000
  mark('END')
}

async function idle(): Promise<void> {
  await comeIn()
  result.fails = clients.length - up
  mark('READY')
  mark('END')
}

async function comeBack(): Promise<void> {
  await comeIn()
  const old = [...lines]
  lines.clear()
  await timed(async () => {
    for (const line of old) line.destroy()
    await until(() => lines.size >= clients.length && up === clients.length)
  })
}

/** Whether a byte came back. */
async function isLed(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write('?')
  const answer = await Promise.race([
    once(socket, 'data').then(
      () => true,
      () => false,
    ),
    once(socket, 'close').then(
      () => false,
      () => false,
    ),
  ])
  socket.destroy()
  return answer
}

async function probe(port: number): Promise<void> {
  while (!(await isLed(port))) await sleep(PROBE_PAUSE_MS)
}

async function restart(): Promise<void> {
  await comeIn()
  await timed(async () => {
    await until(() => up === 0)
    await Promise.all(order.places.map(({ port }) => probe(port)))
  })
}

const origin = createServer((socket) => {
  socket.on('error', () => {})
  socket.pipe(socket)
})
origin.listen(order.origin, '127.0.0.1', 4096)
await once(origin, 'listening')
const runs = { idle, return: comeBack, restart }
await runs[order.op]()
console.log(JSON.stringify(result))
process.exit(0)
