import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Origin, pouringOrigin, sinkOrigin } from './origin.ts'
import { start, stop } from './process.ts'
import { type Count, off, ratesOnce, sum } from './rates.ts'
import { Sluice, user } from './sluice.ts'

const RATE = 1_000_000
/** After this the burst that had been saved up is gone. */
const WARM_UP_MS = 1000
const WINDOW_MS = 5500
let sluice: Sluice
let source: Origin
const sinks: Origin[] = []
const transfers: ReturnType<typeof start>[] = []

beforeAll(async () => {
  source = await pouringOrigin()
  sluice = await Sluice.start()
})
afterAll(async () => {
  await Promise.all(transfers.map((transfer) => stop(transfer)))
  await sluice[Symbol.asyncDispose]()
  source[Symbol.dispose]()
  for (const sink of sinks) sink[Symbol.dispose]()
})

const login = (name: string): string[] => ['--proxy-user', `${name}:x`]
const WAYS: readonly (readonly [string, (name: string) => string[]])[] = [
  ['SOCKS5', (name) => ['--socks5', sluice.socks, ...login(name)]],
  ['CONNECT', (name) => ['-p', '-x', `http://${sluice.http}`, ...login(name)]],
]
const socks5 = WAYS[0]![1]

const curl = (...args: string[]): ReturnType<typeof start> => {
  const child = start('curl', ['-sSN', ...args])
  transfers.push(child)
  return child
}

const countOf = ({ stdout }: ReturnType<typeof start>): Count => {
  let received = 0
  stdout.on('data', (chunk: Buffer) => (received += chunk.length))
  return () => received
}

const pour = (way: string[]): ReturnType<typeof start> => curl(...way, `http://127.0.0.1:${source.port}/`)
const download = (way: string[]): Count => countOf(pour(way))

/** Each to a sink of its own: what is on its way when curl ends still arrives, at the user's rate. */
const upload = async (way: string[]): Promise<Count> => {
  let sunk = 0
  const sink = await sinkOrigin((bytes) => (sunk += bytes))
  sinks.push(sink)
  const { stdin } = curl(...way, '-T', '-', '-H', 'Expect:', `http://127.0.0.1:${sink.port}/`)
  const block = Buffer.alloc(64 * 1024)
  const more = (): void => {
    while (stdin.write(block));
  }
  stdin.on('drain', more).on('error', () => {})
  more()
  return () => sunk
}

/** 1 where all are equal, 1/n where one has all (Jain, Chiu and Hawe 1984). */
const jain = (parts: readonly number[]): number =>
  sum(parts) ** 2 / (parts.length * sum(parts.map((part) => part * part)))

/** All at once: each has users of its own, and asks little of the machine. */
describe.concurrent('curl gets', () => {
  test.each(WAYS)('by %s the rate that was set, down and up', async (door, way) => {
    await sluice.add(door, 'x', '--down', `${RATE}`, '--up', `${RATE}`)
    const startedAt = performance.now()
    const counts = [download(way(door)), await upload(way(door))]
    await sleep(WARM_UP_MS)
    const isRight = (rate: number): boolean => off(rate, RATE) < 0.02
    for (const rate of await ratesOnce(counts, WINDOW_MS, (seen) => seen.every(isRight)))
      expect(off(rate, RATE)).toBeLessThan(0.02)
    // From the first byte on: what the rate gives and the burst, a quarter of a second.
    const most = RATE * (0.25 + (performance.now() - startedAt + 200) / 1000)
    for (const count of counts) expect(count()).toBeLessThan(most)
  })

  test('by four downloads and two uploads equal parts of the limit that they share', async () => {
    await sluice.add('shared', 'x', '--total', `${RATE}`)
    const way = socks5('shared')
    const uploads = await Promise.all([upload(way), upload(way)])
    const counts = [...uploads, ...Array.from({ length: 4 }, () => download(way))]
    await sleep(WARM_UP_MS)
    const areRight = (seen: readonly number[]): boolean => off(sum(seen), RATE) < 0.02 && jain(seen) > 0.99
    const parts = await ratesOnce(counts, WINDOW_MS, areRight)
    expect(off(sum(parts), RATE)).toBeLessThan(0.02)
    expect(jain(parts)).toBeGreaterThan(0.99)
  })

  test('what user set and user disable say, while it runs', async ({ expect: wait }) => {
    await sluice.add('live', 'x', '--down', '500KB/s')
    const transfer = pour(socks5('live'))
    const count = countOf(transfer)
    await sleep(WARM_UP_MS)
    const isAt = async (wanted: number): Promise<void> => {
      const [rate] = await ratesOnce([count], 1500, ([seen]) => off(seen!, wanted) < 0.05)
      expect(off(rate!, wanted)).toBeLessThan(0.05)
    }
    await isAt(500_000)
    for (const wanted of [4_000_000, 200_000]) {
      await user(sluice.data, ['set', 'live', '--down', `${wanted}`])
      await sleep(2000)
      await isAt(wanted)
    }
    await user(sluice.data, ['disable', 'live'])
    await wait.poll(() => transfer.exitCode).toBe(56)
  })
})
