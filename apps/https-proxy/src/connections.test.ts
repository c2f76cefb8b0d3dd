import type { Conn, ConnSink, Reader } from '@sluice/net'
import type { Directory, Handshake, ServedRequest } from '@sluice/service'
import { describe, expect, it, vi } from 'vitest'
import { Connections } from './connections.ts'

/** Of a conn nothing but what it was told, and its end. */
class FakeConn implements Pick<Conn, 'attach' | 'pause' | 'resume' | 'write' | 'end' | 'destroy'> {
  written = ''
  isDestroyed = false
  #sink: ConnSink | undefined = undefined

  attach(sink: ConnSink | undefined): void {
    this.#sink = sink
  }
  pause(): void {}
  resume(): void {}
  write(bytes: Uint8Array): boolean {
    this.written += Buffer.from(bytes).toString()
    return true
  }
  end(): void {}
  destroy(): void {
    this.isDestroyed = true
  }
  leave(): void {
    this.#sink?.onClose(undefined)
  }
}

const DIRECTORY = {} as Directory
const REQUEST = {} as ServedRequest
const come = (guarded: Handshake, conn: FakeConn, host = '192.0.2.1'): ReturnType<Handshake> => {
  const reader = { conn: conn as unknown as Conn, client: { host, port: 1 } }
  return guarded(reader as Reader, DIRECTORY)
}
const handshake = (): Promise<ServedRequest> => Promise.resolve(REQUEST)
const says: Parameters<Connections['guard']>[1] = (code, retryMs) => Buffer.from(`${code} ${retryMs}`)

describe('connections', () => {
  it('beyond the most are told so at once, and count for nothing while they read it', async () => {
    const sessions = { size: 1 }
    const connections = new Connections(sessions, { most: 1, from: [] })
    const guarded = connections.guard(handshake, says)
    expect(await come(guarded, new FakeConn())).toBe(REQUEST)
    sessions.size = 2
    const late = new FakeConn()
    const refused = come(guarded, late)
    await vi.waitFor(() => expect(late.written).toBe('CONNECTIONS_FULL 1000'))
    expect([connections.size, connections.refused]).toEqual([1, 1])
    expect(await come(guarded, new FakeConn())).toBe(REQUEST)
    late.leave()
    await expect(refused).rejects.toMatchObject({ code: 'CONNECTIONS_FULL', retryMs: 1000 })
    expect(connections.size).toBe(2)
  })

  it('are told nothing where there are no words, or too many are being told already', async () => {
    const sessions = { size: 3000 }
    const connections = new Connections(sessions, { most: 1, from: [] })
    const silent = new FakeConn()
    await expect(come(connections.guard(handshake), silent)).rejects.toMatchObject({
      code: 'CONNECTIONS_FULL',
    })
    expect(silent.written).toBe('')
    const guarded = connections.guard(handshake, says)
    const conns = Array.from({ length: 1025 }, () => new FakeConn())
    const outcomes = conns.map((conn) => come(guarded, conn))
    await expect(outcomes.at(-1)).rejects.toMatchObject({ code: 'CONNECTIONS_FULL' })
    expect([conns.at(-2)!.written, conns.at(-1)!.written]).toEqual(['CONNECTIONS_FULL 1000', ''])
    for (const conn of conns) conn.leave()
    await Promise.allSettled(outcomes)
    expect(connections.refused).toBe(1026)
  })

  it('come from the networks that are named, and the limits change', async () => {
    const connections = new Connections({ size: 1 }, { most: 1, from: ['192.0.2.0/24', '2001:db8::/32'] })
    const guarded = connections.guard(handshake)
    for (const host of ['192.0.2.9', '2001:db8::1']) {
      expect(await come(guarded, new FakeConn(), host)).toBe(REQUEST)
    }
    await expect(come(guarded, new FakeConn(), '198.51.100.1')).rejects.toMatchObject({
      ...{ code: 'ADDRESS_DENIED', retryMs: undefined },
    })
    expect(connections.refused).toBe(0)
    connections.set({ most: 0, from: [] })
    await expect(come(guarded, new FakeConn(), '198.51.100.1')).rejects.toMatchObject({
      code: 'CONNECTIONS_FULL',
    })
  })
})
