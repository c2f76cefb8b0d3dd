import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Conn } from './conn.ts'
import { ConnStream } from './conn-stream.ts'
import { identityCertificate } from './identity-certificate.ts'
import { Collector } from './testing/collector.ts'
import { memoryConns, type MemoryConn } from './testing/memory-conn.ts'
import { createTlsContext } from './tls-context.ts'
import { tlsOver } from './tls-over.ts'

const context = createTlsContext(identityCertificate(generateKeyPairSync('ed25519').privateKey))

const pair = async (): Promise<{ near: Conn; base: MemoryConn; far: TLSSocket; farBase: MemoryConn }> => {
  const [base, farBase] = memoryConns()
  const near = tlsOver(base, context)
  const far = connect({ socket: new ConnStream(farBase), rejectUnauthorized: false })
  await once(far, 'secureConnect')
  far.on('error', () => {})
  return { near, base, far, farBase }
}

describe('tlsOver', () => {
  it('carries bytes both ways over a conn that is no socket, whose addresses it has', async () => {
    const { near, base, far } = await pair()
    expect([near.remote, near.local]).toEqual([base.remote, base.local])
    const got = new Collector(near)
    const sent = Buffer.alloc(300_000, 'up')
    far.write(sent)
    await got.until(() => got.size === sent.length)
    expect(got.bytes.equals(sent)).toBe(true)
    near.write(Buffer.alloc(200_000, 'down'))
    let size = 0
    far.on('data', (chunk: Buffer) => (size += chunk.length))
    await expect.poll(() => size).toBe(200_000)
  })

  it('takes no more than some than its sink, and loses nothing', async () => {
    const { near, base, far } = await pair()
    const got = new Collector(near)
    near.pause()
    const sent = randomBytes(1_000_000)
    far.write(sent)
    await expect.poll(() => base.paused).toBe(true)
    expect(got.size).toBe(0)
    near.resume()
    await got.until(() => got.size === sent.length)
    expect(got.bytes.equals(sent)).toBe(true)
  })

  it('tells the end of the other side behind its last bytes, and its own', async () => {
    const { near, far } = await pair()
    const got = new Collector(near)
    far.end('last')
    await got.until(() => got.has('end'))
    expect(got.text).toBe('last')
    near.write(Buffer.from('words'))
    near.end()
    const [chunk] = (await once(far, 'data')) as [Buffer]
    await once(far.resume(), 'end')
    expect(chunk.toString()).toBe('words')
    await got.until(() => got.has('close') || got.has('break'))
    expect(got.error).toBe(undefined)
  })

  it('closes with TLS_FAILED where the other side does not speak TLS', async () => {
    const [base, far] = memoryConns()
    const got = new Collector(tlsOver(base, context))
    far.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    await got.until(() => got.has('close') || got.has('break'))
    expect(got.error).toMatchObject({ code: 'TLS_FAILED' })
    expect(base.closed).toBe(true)
  })

  it.each([0, 10])(
    'closes with TLS_FAILED where the other side ends after %i bytes of a handshake',
    async (most) => {
      const [base, far] = memoryConns()
      const near = tlsOver(base, context)
      const got = new Collector(near)
      near.write(Buffer.from('first words'))
      if (most > 0) far.write(Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3]))
      far.end()
      await got.until(() => got.has('close') || got.has('break'))
      expect(got.error).toMatchObject({ code: 'TLS_FAILED' })
      expect(base.closed).toBe(true)
    },
  )

  it('closes when the conn below does', async () => {
    const { near, farBase } = await pair()
    const got = new Collector(near)
    farBase.reset()
    await got.until(() => got.has('close') || got.has('break'))
  })

  it('resets the conn below', async () => {
    const { near, base, farBase } = await pair()
    const got = new Collector(near)
    near.reset()
    await got.until(() => got.has('close') || got.has('break'))
    expect([base.resets, farBase.closed]).toEqual([1, true])
  })

  it('holds the conn below back while it is paused', async () => {
    const { near, far, farBase } = await pair()
    near.pause()
    let isOut = false
    far.write(Buffer.alloc(4_000_000), () => (isOut = true))
    farBase.resume()
    await new Promise((resolve) => setImmediate(resolve))
    const got = new Collector(near)
    await got.until(() => got.size === 4_000_000)
    await expect.poll(() => isOut).toBe(true)
  })
})
