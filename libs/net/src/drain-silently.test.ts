import type { Decode } from '@sluice/wire'
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { drainSilently } from './drain-silently.ts'
import { Reader } from './reader.ts'
import type { SocketConn } from './socket-conn.ts'
import { Door, turns } from './testing/loopback.ts'
import { memoryConns } from './testing/memory-conn.ts'

const WHY = new Error('not one of ours')
const lateError: Decode<never> = (all) => {
  if (all.length > 0) throw WHY
  return undefined
}
const bytes = (text: string): Uint8Array => Buffer.from(text)

describe('drainSilently()', () => {
  it.each([
    ['the client ends', (peer: { end(): void }) => peer.end()],
    ['the client closes', (peer: { destroy(): void }) => peer.destroy()],
    ['the connection breaks', (peer: { reset(): void }) => peer.reset()],
  ])('takes everything until %s, says nothing, and fails as it was told', async (_end, end) => {
    const [conn, peer] = memoryConns()
    let heard = 0
    peer.attach({ onData: () => (heard += 1), onEnd: () => {}, onDrain: () => {}, onClose: () => {} })
    const reader = new Reader(conn, 10)
    peer.write(bytes('0123456'))
    const failed = drainSilently(reader, WHY).catch((error: unknown) => error)
    for (let i = 0; i < 100; i += 1) peer.write(bytes('more than waits anywhere'))
    await turns()
    end(peer)
    expect(await failed).toBe(WHY)
    expect(heard).toBe(0)
  })

  it('ends with the deadline of the handshake', async () => {
    const [conn, peer] = memoryConns()
    const reader = new Reader(conn, 10)
    const failed = drainSilently(reader, WHY).catch((error: unknown) => error)
    peer.write(bytes('x'))
    await turns()
    reader.fail(new Error('too slow'))
    expect(await failed).toBe(WHY)
  })

  it.each([true, false])('goes on where what came could not be read (later: %s)', async (isLate) => {
    const [conn, peer] = memoryConns()
    const reader = new Reader(conn, 1000)
    if (!isLate) peer.write(bytes('x'))
    await turns()
    const reading = new Promise((resolve) => resolve(reader.read(lateError))).catch(() => {})
    if (isLate) peer.write(bytes('x'))
    await reading
    let isOver = false
    const failed = drainSilently(reader, WHY).catch(() => (isOver = true))
    peer.write(bytes('more'))
    await turns()
    expect(isOver).toBe(false)
    peer.end()
    await failed
  })

  it('does not wait for who has gone, or was given up, before', async () => {
    const [conn, peer] = memoryConns()
    const reader = new Reader(conn, 10)
    peer.end()
    await turns()
    await expect(drainSilently(reader, WHY)).rejects.toBe(WHY)
    reader.fail(new Error('too slow'))
    await expect(drainSilently(reader, WHY)).rejects.toBe(WHY)
  })

  const visit = async (): Promise<{ client: Socket; reader: Reader; seen: Promise<string> }> => {
    const door = await Door.open()
    const client = connect({ host: door.host, port: door.port, allowHalfOpen: true })
    const reader = new Reader(await door.next(), 1000)
    door.close()
    const seen = new Promise<string>((resolve) => {
      client.on('data', () => resolve('data'))
      client.on('end', () => resolve('end'))
      client.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
    })
    return { client, reader, seen }
  }

  it.each(['the client ends', 'the deadline comes'])(
    'leaves nothing unread: when %s there is no reset',
    async (end) => {
      const { client, reader, seen } = await visit()
      const failed = drainSilently(reader, WHY).catch((error: unknown) => error)
      client.write(Buffer.alloc(300_000))
      if (end === 'the client ends') client.end()
      else {
        const { socket } = reader.conn as SocketConn
        while (socket.bytesRead < 300_000) await turns(1)
        reader.fail(new Error('too slow'))
      }
      expect(await failed).toBe(WHY)
      reader.conn.destroy()
      expect(await seen).toBe('end')
      client.destroy()
      await once(client, 'close')
    },
  )
})
