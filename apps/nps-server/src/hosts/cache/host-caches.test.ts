import { describe, expect, test } from 'vitest'
import type { LiveHost } from '../../registry.ts'
import { HostCaches } from './host-caches.ts'
import type { Sought } from './sought.ts'

const host = (id: number, cacheBytes = 1_000_000): LiveHost => ({ record: { id, cacheBytes } }) as LiveHost
const sought = (path: string): Sought => ({ method: 'GET', key: path, path, headers: {} })
const answer = (bytes: number): Uint8Array =>
  Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: ${bytes}\r\n\r\n`),
    Buffer.alloc(bytes),
  ])

/** Which of these are kept, without being used. */
const fill = (caches: HostCaches, live: LiveHost, path: string, bytes = 10_000): void =>
  caches.fill(live, sought(path)).take(answer(bytes))
const has = (caches: HostCaches, live: LiveHost, path: string): boolean =>
  caches.find(live, sought(path)) !== undefined

describe('what hosts keep', () => {
  test('is the one that was used last, as far as it goes', () => {
    const caches = new HostCaches()
    const live = host(1, 40_000)
    fill(caches, live, '/a')
    fill(caches, live, '/b')
    fill(caches, live, '/c')
    expect(has(caches, live, '/a')).toBe(true)
    fill(caches, live, '/d')
    expect(['/a', '/b', '/c', '/d'].map((path) => has(caches, live, path))).toEqual([true, false, true, true])
    expect(caches.bytes).toBeLessThanOrEqual(40_000)
  })

  test('goes from the host that was used least lately where all have too much', () => {
    const caches = new HostCaches({ totalBytes: 40_000 })
    const [a, b] = [host(1), host(2)]
    fill(caches, a, '/')
    fill(caches, b, '/')
    fill(caches, b, '/1')
    expect(has(caches, a, '/')).toBe(true)
    fill(caches, a, '/1')
    expect([has(caches, b, '/'), has(caches, b, '/1'), has(caches, a, '/')]).toEqual([false, true, true])
    expect(caches.bytes).toBeLessThanOrEqual(40_000)
  })

  test('is not too large each, nor too much on its way', () => {
    const caches = new HostCaches({ entryBytes: 20_000, fillBytes: 25_000 })
    const live = host(1)
    fill(caches, live, '/large', 20_001)
    expect(has(caches, live, '/large')).toBe(false)
    const slow = caches.fill(live, sought('/slow'))
    slow.take(answer(20_000).subarray(0, 18_000))
    fill(caches, live, '/other')
    expect(has(caches, live, '/other')).toBe(false)
    slow.stop()
    fill(caches, live, '/other')
    expect(has(caches, live, '/other')).toBe(true)
  })

  test('is not what was on its way when it was changed', () => {
    const caches = new HostCaches()
    const live = host(1)
    const slow = caches.fill(live, sought('/'))
    const bytes = answer(10)
    slow.take(bytes.subarray(0, 5))
    caches.forget(live, '/')
    slow.take(bytes.subarray(5))
    expect(has(caches, live, '/')).toBe(false)
  })

  test('goes with its host', () => {
    const caches = new HostCaches()
    const live = host(1)
    fill(caches, live, '/')
    caches.sweep(new Map([[1, live]]))
    expect(has(caches, live, '/')).toBe(true)
    caches.sweep(new Map())
    expect([has(caches, live, '/'), caches.bytes]).toEqual([false, 0])
  })

  test('is as it was in chunks, cut anywhere, and without what is behind it', () => {
    const text =
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n' +
      'Trailer: X\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\nmore'
    const caches = new HostCaches()
    const live = host(1)
    const slow = caches.fill(live, sought('/'))
    for (const byte of Buffer.from(text)) slow.take(Uint8Array.of(byte))
    const { head, body } = caches.find(live, sought('/'))!.give(sought('/'))
    expect(Buffer.from(body).toString()).toBe('abcde')
    expect(Buffer.from(head).toString()).toMatch(
      /^HTTP\/1.1 200 OK\r\nCache-Control: max-age=60\r\nDate: .* GMT\r\nAge: 0\r\nContent-Length: 5\r\nConnection: close\r\n\r\n$/,
    )
  })
})
