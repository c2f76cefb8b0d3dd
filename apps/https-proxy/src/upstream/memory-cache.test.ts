import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { MemoryCache } from './memory-cache.ts'

const key = (path: string, headers: Record<string, string> = {}) => ({
  origin: 'http://a',
  method: 'GET',
  path,
  headers,
})
const value = (vary?: Record<string, string>) => {
  const now = Date.now()
  return {
    statusCode: 200,
    statusMessage: '',
    headers: {},
    cachedAt: now,
    staleAt: now + 60_000,
    deleteAt: now + 60_000,
    ...(vary && { vary }),
  }
}

const put = async (
  cache: MemoryCache,
  path: string,
  text: string,
  vary?: Record<string, string>,
): Promise<void> => {
  const stream = cache.createWriteStream(key(path, vary), value(vary))
  stream.end(Buffer.from(text))
  await once(stream, 'close')
}

const textOf = (cache: MemoryCache, path: string, headers?: Record<string, string>): string | undefined => {
  const found = cache.get(key(path, headers))
  return found && Buffer.concat(found.body as Buffer[]).toString()
}

describe('MemoryCache', () => {
  it('has what was put, until it is deleted', async () => {
    const cache = new MemoryCache(100_000, 100_000)
    await put(cache, '/a', 'one')
    await put(cache, '/a', 'two')
    expect([textOf(cache, '/a'), textOf(cache, '/b')]).toEqual(['two', undefined])
    cache.delete(key('/a'))
    expect([textOf(cache, '/a'), cache.bytes]).toEqual([undefined, 0])
  })

  it('keeps variants apart, and the latest eight of them', async () => {
    const cache = new MemoryCache(100_000, 100_000)
    for (let i = 0; i < 10; i += 1) await put(cache, '/a', `text ${i}`, { accept: String(i) })
    const texts = [0, 1, 2, 9].map((i) => textOf(cache, '/a', { accept: String(i) }))
    expect(texts).toEqual([undefined, undefined, 'text 2', 'text 9'])
  })

  it('never holds more than it may: what was not asked for longest goes first', async () => {
    const cache = new MemoryCache(20_000, 20_000)
    for (let i = 0; i < 50; i += 1) {
      await put(cache, `/${i}`, 'x'.repeat(3000))
      expect(textOf(cache, '/0')).toHaveLength(3000)
      expect(cache.bytes).toBeLessThanOrEqual(20_000)
    }
    expect([textOf(cache, '/1'), textOf(cache, '/49')?.length]).toEqual([undefined, 3000])
  })

  it('takes nothing that is too large, and counts what is no body', async () => {
    const cache = new MemoryCache(100_000, 2000)
    const stream = cache.createWriteStream(key('/a'), value())
    stream.write(Buffer.alloc(1500))
    await once(stream, 'close')
    expect(cache.bytes).toBe(0)
    await put(cache, '/b', '')
    expect(cache.bytes).toBeGreaterThan(1000)
  })

  it('is over what is too old', async () => {
    const cache = new MemoryCache(100_000, 100_000)
    const stream = cache.createWriteStream(key('/a'), { ...value(), deleteAt: Date.now() - 1 })
    stream.end(Buffer.from('x'))
    await once(stream, 'close')
    expect(textOf(cache, '/a')).toBe(undefined)
  })
})
