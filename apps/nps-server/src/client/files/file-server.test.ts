import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Conn } from '@sluice/net'
import { Collector, memoryConns } from '@sluice/net/testing'
import { createLog } from '@sluice/service'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Cut } from '../incoming-streams.ts'
import { FileServer, type FileServerOptions } from './file-server.ts'

const log = createLog({ level: 'error', sink: { write: () => {} } })

describe('the files of a client', () => {
  let base: string
  let folder: string
  beforeEach(() => {
    base = realpathSync(mkdtempSync(join(tmpdir(), 'nps-files-')))
    folder = join(base, 'public')
    mkdirSync(join(folder, 'docs/deep'), { recursive: true })
    mkdirSync(join(folder, '.git'))
    mkdirSync(join(base, 'publicity'))
    writeFileSync(join(base, 'secret.txt'), 'secret')
    writeFileSync(join(base, 'publicity/secret.txt'), 'secret')
    writeFileSync(join(folder, 'hello.txt'), 'hello, visitor')
    writeFileSync(join(folder, '.env'), 'secret')
    writeFileSync(join(folder, '.git/config'), 'secret')
    writeFileSync(join(folder, 'docs/index.html'), '<p>docs')
    writeFileSync(join(folder, 'docs/deep/100% sure?.txt'), 'deep')
  })
  afterEach(() => rmSync(base, { recursive: true }))

  interface Visit {
    readonly conn: Conn
    readonly got: Collector
    readonly cut: Cut
    readonly done: Promise<void>
  }

  const serverOf = (options: Partial<FileServerOptions> = {}): FileServer =>
    new FileServer({ folder, listing: false, traffic: { up: 0, down: 0 }, log, ...options })

  const visit = (server = serverOf(), place: { path?: string; strip?: string } = {}): Visit => {
    const [stream, conn] = memoryConns()
    const cut: Cut = { onCut: undefined }
    const header = { type: 'file', path: '/', strip: '', visitor: '192.0.2.1:5', ...place } as const
    const done = server.serve(stream, header, cut)
    return { conn, got: new Collector(conn), cut, done }
  }

  interface Answer {
    readonly status: number
    readonly head: string
    readonly body: string
  }

  const answerOf = (text: string): Answer => {
    expect(text[0]).toBe('\0')
    const [head, ...body] = text.slice(1).split('\r\n\r\n')
    return { status: Number(head!.split(' ')[1]), head: head!, body: body.join('\r\n\r\n') }
  }

  /** Over a stream of its own. */
  const ask = async (
    target: string,
    {
      method = 'GET',
      headers = [],
      ...place
    }: Partial<Record<'method' | 'path' | 'strip', string>> & { headers?: readonly string[] } = {},
    server = serverOf(),
  ): Promise<Answer> => {
    const { conn, got, done } = visit(server, place)
    const lines = [`${method} ${target} HTTP/1.1`, 'Host: a', 'Connection: close', ...headers, '', '']
    conn.write(Buffer.from(lines.join('\r\n'), 'latin1'))
    await done
    return answerOf(got.text)
  }

  it('serves a file', async () => {
    const { status, head, body } = await ask('/hello.txt')
    expect({ status, body }).toEqual({ status: 200, body: 'hello, visitor' })
    expect(head).toContain('Content-Type: text/plain; charset=utf-8')
    expect(head).toContain('X-Content-Type-Options: nosniff')
    expect(await ask('/docs/deep/100%25%20sure%3F.txt')).toMatchObject({ status: 200, body: 'deep' })
  })

  it('answers HEAD without a body, and nothing but GET and HEAD', async () => {
    const { status, head, body } = await ask('/hello.txt', { method: 'HEAD' })
    expect({ status, body }).toEqual({ status: 200, body: '' })
    expect(head).toContain('Content-Length: 14')
    expect(await ask('/nothing', { method: 'HEAD' })).toMatchObject({ status: 404, body: '' })
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const refused = await ask('/hello.txt', { method })
      expect(refused.status).toBe(405)
      expect(refused.head).toContain('Allow: GET, HEAD')
    }
  })

  it.each([
    ['bytes=0-4', 206, 'hello', 'bytes 0-4/14'],
    ['bytes=-7', 206, 'visitor', 'bytes 7-13/14'],
    ['bytes=7-', 206, 'visitor', 'bytes 7-13/14'],
    ['lines=1', 200, 'hello, visitor', undefined],
  ] as const)('answers the range %s', async (range, wanted, text, contentRange) => {
    const { status, head, body } = await ask('/hello.txt', { headers: [`Range: ${range}`] })
    expect({ status, body }).toEqual({ status: wanted, body: text })
    if (contentRange !== undefined) expect(head).toContain(`Content-Range: ${contentRange}`)
  })

  it('answers a range beyond the end with 416', async () => {
    const { status, head } = await ask('/hello.txt', { headers: ['Range: bytes=99-'] })
    expect(status).toBe(416)
    expect(head).toContain('Content-Range: bytes */14')
  })

  it('says that a file has not changed', async () => {
    const { head } = await ask('/hello.txt')
    const field = (name: string): string => head.match(new RegExp(`${name}: (.*)`))![1]!.trim()
    const etag = `If-None-Match: ${field('ETag')}`
    const since = `If-Modified-Since: ${field('Last-Modified')}`
    expect(await ask('/hello.txt', { headers: [etag] })).toMatchObject({ status: 304, body: '' })
    expect(await ask('/hello.txt', { headers: [since] })).toMatchObject({ status: 304, body: '' })
    expect((await ask('/hello.txt', { headers: ['If-Match: "other"'] })).status).toBe(412)
    writeFileSync(join(folder, 'hello.txt'), 'hello again, visitor')
    expect((await ask('/hello.txt', { headers: [etag] })).status).toBe(200)
  })

  it('leads to folders, and shows their index.html', async () => {
    const { status, head } = await ask('/docs')
    expect(status).toBe(301)
    expect(head).toMatch(/^Location: \/docs\/\r?$/m)
    expect(await ask('/docs/')).toMatchObject({ status: 200, body: '<p>docs' })
    expect((await ask('/docs/deep/')).status).toBe(404)
    expect((await ask('/hello.txt/')).status).toBe(404)
  })

  it.each([
    '/../secret.txt',
    '/docs/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/..%5csecret.txt',
    '/../publicity/secret.txt',
    '/.env',
    '/%2eenv',
    '/.git/config',
    '/hello.txt%00',
    '/%',
    '/out.txt',
    '/out/secret.txt',
    '/sibling/secret.txt',
    '/indexed/',
    '/hidden',
    '/loop',
    '/fifo',
    'http://a/../secret.txt',
  ])('does not serve %s', async (target) => {
    symlinkSync('../secret.txt', join(folder, 'out.txt'))
    symlinkSync(base, join(folder, 'out'))
    symlinkSync('../publicity', join(folder, 'sibling'))
    symlinkSync('.env', join(folder, 'hidden'))
    symlinkSync('loop', join(folder, 'loop'))
    mkdirSync(join(folder, 'indexed'))
    symlinkSync('../../secret.txt', join(folder, 'indexed/index.html'))
    spawnSync('mkfifo', [join(folder, 'fifo')])
    const { status, body } = await ask(target)
    expect(status).toBe(404)
    expect(body).not.toContain('secret')
  })

  it('follows links that stay below the folder, and a folder that is one', async () => {
    symlinkSync('hello.txt', join(folder, 'again.txt'))
    expect(await ask('/again.txt')).toMatchObject({ status: 200, body: 'hello, visitor' })
    symlinkSync('public', join(base, 'current'))
    const server = serverOf({ folder: join(base, 'current') })
    expect((await ask('/hello.txt', {}, server)).status).toBe(200)
    rmSync(join(base, 'current'))
    symlinkSync('publicity', join(base, 'current'))
    expect((await ask('/hello.txt', {}, server)).status).toBe(404)
  })

  it('serves what is below the folder of the tunnel alone', async () => {
    symlinkSync('../hello.txt', join(folder, 'docs/up.txt'))
    expect(await ask('/', { path: '/docs' })).toMatchObject({ status: 200, body: '<p>docs' })
    expect(await ask('/deep/100%25%20sure%3F.txt', { path: 'docs/' })).toMatchObject({ body: 'deep' })
    expect((await ask('/up.txt', { path: '/docs' })).status).toBe(404)
    expect((await ask('/', { path: '/nothing' })).status).toBe(404)
    symlinkSync(base, join(folder, 'out'))
    expect((await ask('/secret.txt', { path: '/out' })).status).toBe(404)
  })

  it.each(['..', '/../publicity', '/.git', 'docs\\..', 'a\0b'])('refuses a tunnel of %j', async (path) => {
    await expect(visit(serverOf(), { path }).done).rejects.toMatchObject({ code: 'TARGET_DENIED' })
  })

  it('cuts off the front of paths, and leads back behind it', async () => {
    const place = { strip: '/files' }
    expect(await ask('/files/hello.txt', place)).toMatchObject({ body: 'hello, visitor' })
    expect((await ask('/hello.txt', place)).status).toBe(404)
    expect((await ask('/files/docs', place)).head).toMatch(/^Location: \/files\/docs\/\r?$/m)
  })

  it('lists a folder where it is to, and nothing that may not be seen', async () => {
    const server = serverOf({ listing: true })
    writeFileSync(join(folder, '<b> & "c" \'d\''), '')
    symlinkSync('../secret.txt', join(folder, 'out.txt'))
    symlinkSync('docs', join(folder, 'link'))
    const { status, head, body } = await ask('/', {}, server)
    expect(status).toBe(200)
    expect(head).toContain("Content-Security-Policy: default-src 'none'")
    expect(body.match(/<li>.*<\/li>/g)).toEqual([
      '<li><a href="./%3Cb%3E%20%26%20%22c%22%20&#39;d&#39;">&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;</a></li>',
      '<li><a href="./docs/">docs/</a></li>',
      '<li><a href="./hello.txt">hello.txt</a></li>',
      '<li><a href="./link/">link/</a></li>',
    ])
    expect((await ask('/docs/deep/', {}, server)).body).toContain('<a href="./../">../</a>')
    expect((await ask('/docs/', {}, server)).body).toBe('<p>docs')
    expect((await ask('/.git/', {}, server)).status).toBe(404)
  })

  it('answers one request after the other, and counts what passes', async () => {
    const traffic = { up: 0, down: 0 }
    const { conn, got, cut, done } = visit(serverOf({ traffic }))
    const request = 'GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n'
    conn.write(Buffer.from(request + request))
    await got.until(() => got.text.split('hello, visitor').length === 3)
    conn.write(Buffer.from(request))
    await got.until(() => got.text.split('hello, visitor').length === 4)
    expect(traffic).toEqual({ up: 3 * request.length, down: got.size - 1 })
    cut.onCut!(new Error('over'))
    await done
    await got.until(() => got.has('break'))
  })

  it('serves a file that is larger than all buffers', async () => {
    const large = Buffer.alloc(3 << 20, 'sluice')
    writeFileSync(join(folder, 'large'), large)
    const { body } = await ask('/large')
    expect(body === large.toString('latin1')).toBe(true)
  })

  it('lets go of who asks for nothing, and of who speaks something else', async () => {
    const { done, got } = visit(serverOf({ idleMs: 1 }))
    await done
    expect(got.text).toBe('\0')
    const other = visit()
    other.conn.write(Buffer.from('\x16\x03\x01\x00\x00no HTTP\r\n\r\n'))
    await other.done
    expect(answerOf(other.got.text).status).toBe(400)
  })

  it('lets go of idle visitors when it drains, and of others once they have their answer', async () => {
    const server = serverOf()
    const idle = visit(server)
    const { conn, got, done } = visit(server)
    conn.write(Buffer.from('GET /hello.txt HTTP/1.1\r\nHo'))
    conn.write(Buffer.from('st: a\r\n\r\n'))
    await got.until(() => got.text.includes('hello, visitor'))
    server.drain()
    await Promise.all([idle.done, done])
  })
})
