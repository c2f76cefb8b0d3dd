import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { ConnStream } from './conn-stream.ts'
import { Collector } from './testing/collector.ts'
import { turns } from './testing/loopback.ts'
import { memoryConns } from './testing/memory-conn.ts'

describe('ConnStream', () => {
  it('reads what comes, to its end, from a conn that only lends it', async () => {
    const [near, far] = memoryConns({ readBytes: () => 3 })
    const stream = new ConnStream(near)
    for (const part of ['one ', 'two ', 'three']) far.write(Buffer.from(part))
    far.end()
    expect(await text(stream)).toBe('one two three')
  })

  it('pauses the conn while nobody reads', async () => {
    const [near, far] = memoryConns()
    const stream = new ConnStream(near)
    stream.read(0)
    for (let i = 0; i < 3; i += 1) far.write(Buffer.alloc(50_000))
    await turns()
    expect(near.paused).toBe(true)
    expect(stream.readableLength).toBeLessThan(150_000)
  })

  it('writes in order, waits for the conn, and half-closes', async () => {
    const [near, far] = memoryConns({ writeBytes: () => 2 })
    const stream = new ConnStream(near)
    const there = new Collector(far)
    stream.cork()
    stream.write('head ')
    stream.write('body')
    stream.uncork()
    stream.end(' end')
    await there.until(() => there.has('end'))
    expect(there.text).toBe('head body end')
    expect(stream.bytesWritten).toBe(13)
  })

  it('fails as the conn does, and destroys it', async () => {
    const [near, far] = memoryConns()
    const stream = new ConnStream(near)
    stream.read(0)
    far.reset()
    const [error] = (await once(stream, 'error')) as [Error]
    expect(error.message).toContain('ECONNRESET')
    const [other, peer] = memoryConns()
    new ConnStream(other).destroy()
    const there = new Collector(peer)
    await there.until(() => there.has('end') || there.has('close'))
    expect(other.closed).toBe(true)
  })
})
