import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { AccessEntry } from './access-entry.ts'
import { AccessLog } from './access-log.ts'

let folder: string
let path: string
let warned: unknown[]
let lost: number

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'access-'))
  path = join(folder, 'access.log')
  warned = []
  lost = 0
})

afterEach(() => rmSync(folder, { recursive: true }))

const open = (at = path): AccessLog =>
  new AccessLog({
    path: at,
    format: 'json',
    log: { warn: (...args: unknown[]) => void warned.push(args) },
    onLost: (lines) => (lost += lines),
  })

const entry = (ms: number): AccessEntry => ({
  at: 0,
  ms,
  door: 'socks',
  client: { host: '192.0.2.1', port: 1 },
  user: 'ada',
  method: 'CONNECT',
  url: 'a:1',
  status: 200,
  code: 'OK',
  up: 0,
  down: 0,
  peer: undefined,
})

/** The `ms` of the lines in a file. */
const told = (file: string): unknown[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { ms: unknown }).ms)

it('adds lines to what is there, for its owner and group only', async () => {
  const first = open()
  first.write(entry(1))
  await first.close()
  const second = open()
  second.write(entry(2))
  await second.close()
  expect(told(path)).toEqual([1, 2])
  expect(statSync(path).mode & 0o007).toBe(0)
})

it('goes on in a new file once the old one is renamed and it is told so', async () => {
  const access = open()
  access.write(entry(1))
  renameSync(path, `${path}.1`)
  access.reopen()
  access.write(entry(2))
  await access.close()
  expect([told(`${path}.1`), told(path)]).toEqual([[1], [2]])
  const again = open()
  again.write(entry(3))
  await again.close()
  expect(told(path).at(-1)).toBe(3)
})

it('loses no line to a rotation while lines are written', async () => {
  const access = open()
  for (let ms = 0; ms < 3000; ms += 1) {
    access.write(entry(ms))
    if (ms % 500 !== 499) continue
    renameSync(path, `${path}.${ms}`)
    access.reopen()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await access.close()
  const names = [499, 999, 1499, 1999, 2499, 2999].map((ms) => `${path}.${ms}`)
  expect([...names, path].flatMap(told)).toEqual(Array.from({ length: 3000 }, (_, ms) => ms))
  expect(lost).toBe(0)
})

it('keeps its file where the new one cannot be opened, and says so', async () => {
  const access = open()
  renameSync(path, `${path}.1`)
  mkdirSync(path)
  access.reopen()
  access.write(entry(1))
  await access.close()
  expect(told(`${path}.1`)).toEqual([1])
  expect(warned).toMatchObject([[{ path, err: { code: 'EISDIR' } }, 'access-log.failed']])
})

it('refuses a file that cannot be opened at the start, and a pipe that nobody reads', () => {
  writeFileSync(path, '')
  expect(() => open(`${path}/log`)).toThrow(`--access-log: cannot open ${path}/log (ENOTDIR)`)
  execFileSync('mkfifo', [`${path}.pipe`])
  expect(() => open(`${path}.pipe`)).toThrow('(ENXIO)')
})

it('goes on where the reader of a pipe has gone and another one comes', async () => {
  execFileSync('mkfifo', [path])
  const read = (): number => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const block = (access: AccessLog): void => {
    for (let ms = 0; ms < 200; ms += 1) access.write(entry(ms))
  }
  const first = read()
  const access = open()
  closeSync(first)
  block(access)
  while (warned.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const second = read()
  block(access)
  await access.close()
  const bytes = Buffer.alloc(1)
  expect(readSync(second, bytes)).toBe(1)
  closeSync(second)
  expect(lost).toBeGreaterThan(0)
})

it('counts what a full disk loses, says so once, and goes on', async () => {
  const access = open('/dev/full')
  for (let round = 0; round < 3; round += 1) {
    // More than a block, so that it is written at once.
    for (let ms = 0; ms < 200; ms += 1) access.write(entry(ms))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await access.close()
  expect(lost).toBeGreaterThan(0)
  expect(warned).toMatchObject([[{ path: '/dev/full', err: { code: 'ENOSPC' } }, 'access-log.failed']])
})
