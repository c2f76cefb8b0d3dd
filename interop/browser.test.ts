import { rmSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Chromium } from './chromium.ts'
import { secureServer } from './origin.ts'
import { Sluice, temporaryFolder, usage } from './sluice.ts'

const LOGIN = { username: 'ada', password: 'correct horse' }
const IMAGES = 24
/** One transparent pixel. */
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')
const PAGE = `<!doctype html><title>a page</title>${Array.from(
  { length: IMAGES },
  (_, index) => `<img src="/${index}.gif">`,
).join('')}`

const answer = (url: string, respond: (type: string, body: string | Buffer) => void): void => {
  if (url.endsWith('.gif')) respond('image/gif', PIXEL)
  else if (url === '/big') respond('application/octet-stream', Buffer.alloc(5_000_000, 'x'))
  else respond('text/html', PAGE)
}

const folder = temporaryFolder()
let sluice: Sluice
let plain: Server
let secure: Server

const portOf = (server: Server): number => (server.address() as AddressInfo).port

beforeAll(async () => {
  plain = createServer((request, response) => {
    let sent = 0
    request.on('data', (chunk: Buffer) => (sent += chunk.length))
    request.on('end', () =>
      answer(request.url ?? '', (type, body) =>
        response.setHeader('Content-Type', type).setHeader('X-Sent', sent).end(body),
      ),
    )
  })
  secure = await secureServer(folder, (request, response) => void plain.emit('request', request, response))
  for (const server of [plain, secure]) await once(server.listen(0, '127.0.0.1'), 'listening')
  sluice = await Sluice.start()
  await sluice.add(LOGIN.username, LOGIN.password)
})
afterAll(async () => {
  await sluice[Symbol.asyncDispose]()
  plain.close()
  secure.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('Chromium through the HTTP proxy', () => {
  let chromium: Chromium

  beforeAll(async () => {
    chromium = await Chromium.start(`http://${sluice.http}`, LOGIN, `${folder}/profile`)
  })
  afterAll(() => chromium[Symbol.asyncDispose]())

  test.each([
    ['HTTP', () => `http://127.0.0.1:${portOf(plain)}/`],
    ['HTTPS', () => `https://localhost:${portOf(secure)}/`],
  ])('loads a page with its images over %s, and moves bodies both ways', async (_scheme, url) => {
    const before = await usage(sluice.data, LOGIN.username)
    expect(await chromium.load(url())).toBe('')
    expect(await chromium.evaluate('document.title')).toBe('a page')
    expect(await chromium.evaluate('[...document.images].filter((i) => i.naturalWidth === 1).length')).toBe(
      IMAGES,
    )
    expect(await chromium.evaluate(`fetch('/big').then(async (r) => (await r.text()).length)`)).toBe(
      5_000_000,
    )
    const upload = `fetch('/', { method: 'POST', body: 'y'.repeat(2_000_000) }).then((r) => r.headers.get('X-Sent'))`
    expect(await chromium.evaluate(upload)).toBe('2000000')
    expect(chromium.challenged).not.toEqual([])
    expect(chromium.challenged.every((line) => line.startsWith('Proxy '))).toBe(true)
    await expect
      .poll(async () => {
        const { up, down } = await usage(sluice.data, LOGIN.username)
        return [up - before.up > 2_000_000, down - before.down > 5_000_000]
      })
      .toEqual([true, true])
  })

  test('shows the truth about a target that refuses', async () => {
    const dead = createServer().listen(0, '127.0.0.1')
    await once(dead, 'listening')
    const port = portOf(dead)
    dead.close()
    await once(dead, 'close')
    expect(await chromium.load(`https://localhost:${port}/`)).toBe('net::ERR_TUNNEL_CONNECTION_FAILED')
  })
})
