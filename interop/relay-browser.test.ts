import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, rmSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { extname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Chromium } from './chromium.ts'
import { RelayServer } from './relay.ts'
import { temporaryFolder } from './sluice.ts'

const ROOT = join(import.meta.dirname, '..')
const SERVED = /^\/(?:examples\/relay-browser|apps\/relay\/dist)\/[\w.-]+$/
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
}
const PAGE = 'examples/relay-browser/index.html'
const SIZE = 3_000_000

const folder = temporaryFolder()
let files: Server
let relay: RelayServer
let pages: Chromium[] = []

const answer = (path: string, response: ServerResponse): void => {
  if (!SERVED.test(path)) {
    response.writeHead(404).end()
    return
  }
  response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream')
  createReadStream(join(ROOT, path))
    .on('error', () => response.destroy())
    .pipe(response)
}

const serve = async (): Promise<Server> => {
  const server = createServer(({ url }, response) =>
    answer(new URL(url ?? '/', 'http://h').pathname, response),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server
}

const open = async (name: string): Promise<Chromium> => {
  const chromium = await Chromium.start('direct://', { username: '', password: '' }, join(folder, name))
  pages.push(chromium)
  await load(chromium)
  return chromium
}

const load = async (chromium: Chromium): Promise<void> => {
  const { port } = files.address() as AddressInfo
  await chromium.load(`http://127.0.0.1:${port}/${PAGE}?relay=ws://${relay.listener('ws')}`)
  await expect.poll(() => textOf(chromium, 'me')).toMatch(/^\w{32,44}$/)
}

const textOf = (chromium: Chromium, id: string): Promise<unknown> =>
  chromium.evaluate(`document.getElementById('${id}').textContent`)
const press = (chromium: Chromium, id: string): Promise<unknown> =>
  chromium.evaluate(`document.getElementById('${id}').click()`)
const type = (chromium: Chromium, id: string, text: string): Promise<unknown> =>
  chromium.evaluate(`document.getElementById('${id}').value = ${JSON.stringify(text)}`)
const submit = (chromium: Chromium, id: string): Promise<unknown> =>
  chromium.evaluate(`document.getElementById('${id}').requestSubmit()`)

const call = async (from: Chromium, to: Chromium): Promise<void> => {
  await type(from, 'peer', String(await textOf(to, 'me')))
  await submit(from, 'start')
  await expect.poll(() => textOf(from, 'state')).toBe(`Connected to ${String(await textOf(to, 'me'))}.`)
  await expect.poll(() => textOf(to, 'state')).toBe(`Connected to ${String(await textOf(from, 'me'))}.`)
}

beforeAll(async () => {
  files = await serve()
  relay = await RelayServer.start('--listen', 'ws://127.0.0.1:0', '--preset', 'private')
  pages = []
})
afterAll(async () => {
  for (const page of pages) await page[Symbol.asyncDispose]()
  await relay[Symbol.asyncDispose]()
  files.close()
  rmSync(folder, { recursive: true, force: true })
})

test('two browsers chat and send a file through the relay', async () => {
  const [one, two] = [await open('one'), await open('two')]
  await press(two, 'listen')
  await expect.poll(() => textOf(two, 'state')).toBe('Waiting to be called.')
  await call(one, two)

  await type(one, 'text', 'attack at dawn')
  await submit(one, 'say')
  await expect.poll(() => textOf(two, 'log')).toBe('they: attack at dawn')
  await type(two, 'text', 'agreed')
  await submit(two, 'say')
  await expect.poll(() => textOf(one, 'log')).toBe('I: attack at dawnthey: agreed')

  // Whatever octets: the test makes the same.
  await two.evaluate(`{
    const bytes = new Uint8Array(${SIZE}).map((_, at) => (at * 31 + (at >> 8)) & 255)
    const given = new DataTransfer()
    given.items.add(new File([bytes], 'plan.bin'))
    const input = document.getElementById('file')
    input.files = given.files
    input.dispatchEvent(new Event('change'))
  }`)
  const bytes = new Uint8Array(SIZE).map((_, at) => (at * 31 + (at >> 8)) & 255)
  const hash = createHash('sha256').update(bytes).digest('hex')
  await expect.poll(() => textOf(one, 'log')).toContain(`they: plan.bin, ${SIZE} bytes, SHA-256 ${hash}`)

  await press(one, 'bye')
  await expect.poll(() => textOf(two, 'state')).toMatch(/has hung up\.$/)
  await expect.poll(() => textOf(one, 'state')).toMatch(/has hung up\.$/)
})

test('a page has the identity of the last time, and its reservation again after the relay was killed', async () => {
  const [one, two] = pages as [Chromium, Chromium]
  const before = await textOf(two, 'me')
  await load(two)
  expect(await textOf(two, 'me')).toBe(before)
  await press(two, 'listen')
  await expect.poll(() => textOf(two, 'state')).toBe('Waiting to be called.')
  await relay.restart()
  await expect.poll(() => textOf(two, 'state')).toMatch(/next try in/)
  await expect.poll(() => textOf(two, 'state')).toBe('Waiting to be called.')
  await call(one, two)
})

test('a stream that ends with its relay has not ended well', async () => {
  const [one] = pages as [Chromium]
  await relay.restart()
  await expect.poll(() => textOf(one, 'state')).toMatch(/^The stream broke off: PEER_TRUNCATED /)
})
