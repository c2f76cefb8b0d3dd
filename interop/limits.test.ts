import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Origin, pouringOrigin, sinkOrigin } from './origin.ts'
import { start, stop } from './process.ts'
import { Sluice, user } from './sluice.ts'

const RATE = 1_000_000
/** After this the burst that had been saved up is gone. */
const WARM_UP_MS = 1000
const WINDOW_MS = 5500
let sluice: Sluice
let source: Origin
const sinks: Origin[] = []
const transfers: ChildProcess[] = []

beforeAll(async () => {
  source = await pouringOrigin()
  sluice = await Sluice.start()
})
afterEach(async () => {
  await Promise.all(transfers.splice(0).map((transfer) => stop(transfer)))
})
afterAll(async () => {
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

/** How many bytes have passed so far. */
type Count = () => number

const curl = (...args: string[]): ReturnType<typeof start> => {
  const child = start('curl', ['-sSN', ...args])
  transfers.push(child)
  return child
}

const download = (way: string[]): Count => {
  let received = 0
  curl(...way, `http://127.0.0.1:${source.port}/`).stdout.on(
    'data',
    (chunk: Buffer) => (received += chunk.length),
  )
  return () => received
}

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

/** Bytes per second of each, from now on for a while. */
const rates = async (counts: readonly Count[], ms: number): Promise<number[]> => {
  const at = performance.now()
  const before = counts.map((count) => count())
  await sleep(ms)
  const seconds = (performance.now() - at) / 1000
  return counts.map((count, index) => (count() - before[index]!) / seconds)
}

/** Windows that are looked at: a busy machine can spoil one, a limit that is wrong is so in all. */
const TRIES = 4
/** As `rates`, of the first window in which they are as wanted, or else of the last. */
const ratesOnce = async (
  counts: readonly Count[],
  ms: number,
  areWanted: (rates: readonly number[]) => boolean,
): Promise<number[]> => {
  let seen = await rates(counts, ms)
  for (let tried = 1; tried < TRIES && !areWanted(seen); tried += 1) seen = await rates(counts, ms)
  return seen
}

const off = (rate: number, wanted: number): number => Math.abs(rate / wanted - 1)
/** 1 where all are equal, 1/n where one has all (Jain, Chiu and Hawe 1984). */
const jain = (parts: readonly number[]): number =>
  sum(parts) ** 2 / (parts.length * sum(parts.map((part) => part * part)))
const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

describe.each(WAYS)('curl by %s gets the rate that was set, within 2 %', (door, way) => {
  test('down and up', async () => {
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
})

test('four downloads and two uploads share one limit in equal parts', async () => {
  await sluice.add('shared', 'x', '--total', `${RATE}`)
  const way = socks5('shared')
  const uploads = await Promise.all([upload(way), upload(way)])
  const counts = [...uploads, ...Array.from({ length: 4 }, () => download(way))]
  await sleep(WARM_UP_MS)
  const parts = await ratesOnce(counts, WINDOW_MS, (seen) => off(sum(seen), RATE) < 0.02 && jain(seen) > 0.99)
  expect(off(sum(parts), RATE)).toBeLessThan(0.02)
  expect(jain(parts)).toBeGreaterThan(0.99)
})

test('user set and user disable act on a download that is running', async () => {
  await sluice.add('live', 'x', '--down', '500KB/s')
  const count = download(socks5('live'))
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
  await expect.poll(() => transfers[0]?.exitCode).toBe(56)
})
