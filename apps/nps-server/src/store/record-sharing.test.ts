import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RecordStore } from './record-store.ts'

const LOOP = fileURLToPath(new URL('testing/book-loop.ts', import.meta.url))
const FLAGS = [
  '--conditions=@sluice/source',
  '--experimental-strip-types',
  '--disable-warning=ExperimentalWarning',
]

let dir: string
let file: string
let store: RecordStore

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sharing-'))
  file = join(dir, 'tunnels.db')
  store = RecordStore.open(file)
})
afterEach(() => {
  store.close()
  rmSync(dir, { recursive: true })
})

/** Runs the loop until it has booked so often, kills it, and gives how often it said that it had. */
const runAndKill = async (name: string, count: number): Promise<number> => {
  const child = spawn(process.execPath, [...FLAGS, LOOP, file, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  let told = 0
  for await (const line of createInterface(child.stdout)) {
    told = Number(line)
    if (told >= count) child.kill('SIGKILL')
  }
  await exited
  return told
}

test('programs that write at once and are killed lose nothing that was answered', async () => {
  store.addClient({})
  const [one, two] = await Promise.all([runAndKill('one', 120), runAndKill('two', 80)])
  for (let nth = 1; nth <= 20; nth += 1)
    store.addHost({ clientId: 1, host: `ours${nth}.example`, targets: ['80'] })
  const { inlet, export: out } = store.flowOf('client', 1)
  expect(one + two).toBeGreaterThanOrEqual(200)
  expect(inlet).toBeGreaterThanOrEqual(one + two)
  expect(inlet).toBeLessThanOrEqual(one + two + 2)
  expect(out).toBe(2 * inlet)
  const hosts = store.hosts()
  expect(hosts.length).toBeGreaterThanOrEqual(20 + Math.floor(one / 10) + Math.floor(two / 10) - 2)
  expect(new Set(hosts.map(({ id }) => id)).size).toBe(hosts.length)
})
