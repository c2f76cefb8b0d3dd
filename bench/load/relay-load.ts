// Peers of a relay, source and destination in one process. Its one argument is a JSON of RelayOrder; stdout is as that
// of tcpload. Only bytes and exchanges inside the window count.
//   bulk    one circuit: the source writes without end
//   setup   circuits, one after the other: from CONNECT to the destination's first byte at a source that is logged in
//   ping    one circuit: 64 bytes come back, then a pause of 2 ms
//   idle    reservations, each of a peer of its own
//   login   connections that log in and are closed, `conns` at a time
//   shape   circuits whose sources always have more to send than they may
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RelayOrder, RelayResult } from '../load.ts'
import type { Circuit } from './circuit.ts'
import { openClient } from './open-client.ts'
import type { Pipe } from './line.ts'
import { newIdentity, SluicePeer, type Transport } from './sluice-peer.ts'

const order: RelayOrder = JSON.parse(process.argv[2] ?? '')
const { mode, proxy, conns } = order
const secs = order.secs ?? 5
/** Of a write; of WebSockets a message, of which ours takes up to 64 KiB. */
const CHUNK = mode.endsWith('-ws') ? 64 * 1024 - 16 : 256 * 1024
const PING_BYTES = 64
const PING_PAUSE_MS = 2
/** Circuits or peers that come up at a time. */
const RAMP = 16
/** What is under way on a limited circuit, and what has to be missing of it before more is sent. */
const WINDOW = 128 * 1024
const REFILL = 16 * 1024

const mark = (word: string): void => console.log(word)
const result: RelayResult = {
  seconds: 0,
  fails: 0,
  exchanges: { count: 0, p50us: 0, p99us: 0, maxus: 0 },
  bytes: 0,
  busy: 0,
  circuits: { jain: 0, least: 0, most: 0 },
}

/** Between BEGIN and END, after the warm-up. */
async function inWindow(begin: () => void, end: () => void): Promise<void> {
  await sleep((order.warm ?? 1) * 1000)
  begin()
  mark('BEGIN')
  const [from, cpu] = [performance.now(), process.cpuUsage()]
  await sleep(secs * 1000)
  result.seconds = (performance.now() - from) / 1000
  const { user, system } = process.cpuUsage(cpu)
  result.busy = (user + system) / 1e6 / result.seconds
  end()
  mark('END')
}

async function openCircuit(): Promise<Circuit> {
  const open = await (await openClient(order)).prepare()
  return open()
}

async function bulk(): Promise<void> {
  mark('START')
  const { source, destination } = await openCircuit()
  let total = 0
  destination.onBytes = (bytes) => {
    total += bytes.length
  }
  const message = source.wrap(new Uint8Array(CHUNK))
  const fill = (): void => {
    while (source.write(message)) continue
  }
  source.onDrain = fill
  fill()
  await inWindow(
    () => (result.bytes -= total),
    () => (result.bytes += total),
  )
}

async function setup(): Promise<void> {
  mark('START')
  const client = await openClient(order)
  const times: number[] = []
  const loop = async (): Promise<void> => {
    for (;;) {
      const open = await client.prepare()
      const from = performance.now()
      const { source, destination } = await open()
      const first = firstByte(source)
      destination.write(destination.wrap(Uint8Array.of(1)))
      await first
      times.push(performance.now() - from)
      for (const pipe of [source, destination]) pipe.close()
    }
  }
  loop().catch(fail)
  await inWindow(
    () => (times.length = 0),
    () => tell(times),
  )
}

const firstByte = (pipe: Pipe): Promise<void> =>
  new Promise((resolve) => {
    pipe.onBytes = () => resolve()
  })

async function ping(): Promise<void> {
  mark('START')
  const { source, destination } = await openCircuit()
  destination.onBytes = (bytes) => void destination.write(bytes.slice())
  const times: number[] = []
  const bytes = new Uint8Array(PING_BYTES)
  const loop = async (): Promise<void> => {
    for (;;) {
      const from = performance.now()
      const back = firstByte(source)
      source.write(bytes)
      await back
      times.push(performance.now() - from)
      await sleep(PING_PAUSE_MS)
    }
  }
  loop().catch(fail)
  await inWindow(
    () => (times.length = 0),
    () => tell(times),
  )
}

async function idle(): Promise<void> {
  mark('START')
  await each(conns, async () => {
    const peer = await SluicePeer.login(proxy, transport(), newIdentity())
    await peer.reserve()
    // Answers pings, for as long as this lasts.
    peer.frame('goaway').catch(fail)
  })
  mark('READY')
  await sleep((order.hold ?? 3) * 1000)
  mark('END')
}

async function login(): Promise<void> {
  mark('START')
  const identities = Array.from({ length: conns }, newIdentity)
  let count = 0
  const loop = async (identity: (typeof identities)[number]): Promise<void> => {
    for (;;) {
      const peer = await SluicePeer.login(proxy, transport(), identity)
      peer.close()
      count++
    }
  }
  for (const identity of identities) loop(identity).catch(fail)
  await inWindow(
    () => (count = 0),
    () => (result.exchanges.count = count),
  )
}

async function shape(): Promise<void> {
  mark('START')
  const client = await openClient(order)
  const circuits: Circuit[] = []
  await each(conns, async () => {
    circuits.push(await (await client.prepare())())
  })
  const flows = circuits.map(flood)
  let before: number[] = []
  await inWindow(
    () => (before = flows.map(({ got }) => got)),
    () => share(flows.map(({ got }, index) => got - before[index]!)),
  )
}

/** Keeps a window of bytes under way, so that no more of them wait in the kernel. */
function flood({ source, destination }: Circuit): { got: number } {
  const flow = { got: 0 }
  let missing = 0
  const bytes = new Uint8Array(WINDOW)
  destination.onBytes = ({ length }) => {
    flow.got += length
    missing += length
    if (missing < REFILL) return
    source.write(bytes.subarray(0, missing))
    missing = 0
  }
  source.write(bytes)
  return flow
}

function share(bytes: readonly number[]): void {
  const sum = bytes.reduce((total, got) => total + got, 0)
  const squares = bytes.reduce((total, got) => total + got ** 2, 0)
  result.bytes = sum
  const [least, most] = [Math.min(...bytes), Math.max(...bytes)]
  result.circuits = { jain: sum ** 2 / (bytes.length * squares), least, most }
}

/** Does `work` so often, some at a time. */
async function each(count: number, work: () => Promise<void>): Promise<void> {
  let left = count
  const loop = async (): Promise<void> => {
    while (left-- > 0) await work()
  }
  await Promise.all(Array.from({ length: RAMP }, loop))
}

function transport(): Transport {
  if (mode === 'relay-tcp') return 'tcp'
  if (mode === 'relay-tls') return 'tls'
  throw new Error(`nobody logs in by ${mode}`)
}

function tell(times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (part: number): number => (sorted[Math.floor((sorted.length - 1) * part)] ?? 0) * 1000
  result.exchanges = { count: sorted.length, p50us: at(0.5), p99us: at(0.99), maxus: at(1) }
}

function fail(error: unknown): void {
  if (result.fails++ === 0) console.error(error)
}

const OPS: Readonly<Record<RelayOrder['op'], () => Promise<void>>> = { bulk, setup, ping, idle, login, shape }
await OPS[order.op]()
console.log(JSON.stringify(result))
process.exit(0)
