import { once } from 'node:events'
import { ftruncateSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { Agent, request as httpRequest, type RequestListener } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Chromium } from './chromium.ts'
import { HttpsProxy } from './https-proxy.ts'
import { secureServer } from './origin.ts'
import { run } from './process.ts'
import { temporaryFolder } from './sluice.ts'

const USERS = { fleet: 'many', reader: 'one' }
const BYTES = 2 * 2 ** 30
const IMAGES = 24
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')
const PAGE = `<!doctype html><title>a page</title>${Array.from({ length: IMAGES }, (_, at) => `<img src="/${at}.gif">`).join('')}`
const TYPE = 'application/vnd.sluice.request'
const folder = temporaryFolder()
let origin: Server
let url: string
let proxy: HttpsProxy
let received = 0
let asked = 0

/** Pours, swallows, takes its time, or shows a page. */
const answer: RequestListener = (request, response) => {
  const path = request.url ?? ''
  request.on('data', (chunk: Buffer) => (received += chunk.length))
  if (path === '/pour') {
    const block = Buffer.alloc(256 * 1024)
    let left = BYTES
    const more = (): void => {
      while (left > 0) {
        left -= block.length
        if (!response.write(block)) return
      }
      response.end()
    }
    response.on('drain', more)
    more()
  } else if (path === '/slow') {
    asked += 1
    setTimeout(() => response.end('done'), 100)
  } else {
    request.on('end', () => {
      response.setHeader('Content-Type', path.endsWith('.gif') ? 'image/gif' : 'text/html')
      response.end(path.endsWith('.gif') ? PIXEL : PAGE)
    })
  }
}

const message = (preamble: object): Buffer => {
  const text = Buffer.from(JSON.stringify(preamble))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  return Buffer.concat([length, text])
}

beforeAll(async () => {
  origin = await secureServer(folder, answer)
  await once(origin.listen(0, '127.0.0.1'), 'listening')
  url = `https://localhost:${(origin.address() as AddressInfo).port}`
  const flags = ['--origin-ca', join(folder, 'origin.crt'), '--slots', '8', '--queue-timeout', '60']
  proxy = await HttpsProxy.startFor(USERS, ...flags)
})
afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  origin.close()
  rmSync(folder, { recursive: true, force: true })
})

const memoryOf = (field: 'VmRSS' | 'VmHWM'): number =>
  1024 *
  Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${proxy.pid}/status`, 'utf8'))?.[1])

/** Bytes of memory that it takes at the most, beyond those at the beginning. */
const growth = async (action: () => Promise<void>): Promise<number> => {
  const before = memoryOf('VmRSS')
  writeFileSync(`/proc/${proxy.pid}/clear_refs`, '5')
  await action()
  return memoryOf('VmHWM') - before
}

const api = (...args: string[]): ReturnType<typeof run> => {
  const all = [
    ...['-sS', '--noproxy', '', '-u', 'reader:one', '-H', `Content-Type: ${TYPE}`],
    ...['-H', 'Expect:', '-o', join(folder, 'answer'), `http://${proxy.proxy}/v1/requests`, ...args],
  ]
  return run('curl', all, '', {}, 110_000)
}

test('2 GiB come down and go up, and memory stays flat', { timeout: 240_000 }, async () => {
  writeFileSync(join(folder, 'ask'), message({ url: `${url}/pour` }))
  const down = await growth(async () => {
    const { stdout, stderr } = await api(
      ...['--data-binary', `@${join(folder, 'ask')}`, '-o', '/dev/null', '-w', '%{size_download}'],
    )
    expect(Number(stdout.toString()), stderr).toBeGreaterThan(BYTES)
  })
  const head = message({ method: 'PUT', url: `${url}/swallow` })
  const upload = openSync(join(folder, 'upload'), 'w')
  writeSync(upload, head)
  ftruncateSync(upload, head.length + BYTES)
  received = 0
  const up = await growth(async () => {
    const { status, stderr } = await api('-X', 'POST', '-T', join(folder, 'upload'))
    expect(status, stderr).toBe(0)
  })
  expect(received).toBe(BYTES)
  expect(
    [down, up].map((bytes) => Math.round(bytes / 2 ** 20)).filter((mebibytes) => mebibytes > 64),
  ).toEqual([])
})

test('a fleet of scrapers does not starve who reads a page', { timeout: 120_000 }, async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 400 })
  const [host = '', port = ''] = proxy.proxy.split(':')
  const login = `Basic ${Buffer.from('fleet:many').toString('base64')}`
  const body = message({ url: `${url}/slow` })
  const headers = { Authorization: login, 'Content-Type': TYPE, 'Content-Length': body.length }
  const over = new AbortController()
  const failures = new Set<number>()
  const scrape = (): Promise<void> =>
    new Promise((resolve) => {
      const request = httpRequest(
        { agent, host, port, method: 'POST', path: '/v1/requests', headers },
        (response) => {
          if (response.statusCode !== 200 && !over.signal.aborted) failures.add(response.statusCode ?? 0)
          response.resume().on('close', resolve)
        },
      )
      request.on('error', () => resolve()).end(body)
    })
  const scraper = async (): Promise<void> => {
    while (!over.signal.aborted) await scrape()
  }
  const fleet = Array.from({ length: 400 }, scraper)
  await expect.poll(async () => (await proxy.status())['queue_size']).toBeGreaterThan(300)

  await using chromium = await Chromium.start(
    `http://${proxy.proxy}`,
    { username: 'reader', password: 'one' },
    join(folder, 'profile'),
  )
  const before = asked
  expect(await chromium.load(`${url}/`)).toBe('')
  expect(await chromium.evaluate('[...document.images].filter((i) => i.naturalWidth === 1).length')).toBe(
    IMAGES,
  )
  // In first come, first served each of the reader's connections would have waited for some 390 of the fleet.
  expect(asked - before).toBeLessThan(300)
  expect([...failures]).toEqual([])
  over.abort()
  agent.destroy()
  await Promise.all(fleet)
})
