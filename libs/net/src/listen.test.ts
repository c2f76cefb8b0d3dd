import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { listen } from './listen.ts'
import { run } from './testing/child.ts'
import { Collector } from './testing/collector.ts'
import { dialLoopback, Door, hasIpv6, NEVER } from './testing/loopback.ts'
import { freePort, OWN_HOST } from './testing/own-loopback.ts'

const quiet = { onConn: () => {}, onError: () => {} }

describe('listen', () => {
  const places = [
    ['127.0.0.1', '127.0.0.1'],
    ['0.0.0.0', '127.0.0.1'],
    ['::', '127.0.0.1'],
    ['::1', '::1'],
  ] as const

  it.each(places.filter(([host]) => hasIpv6 || !host.includes(':')))(
    'on %s takes a free port and conns',
    async (host, dialled) => {
      const door = await Door.open(host)
      expect([door.host, door.port > 0]).toEqual([host, true])
      const conn = await dialLoopback()({ host: dialled, port: door.port }, NEVER)
      const accepted = await door.next()
      expect(accepted.local).toEqual({ host: dialled, port: door.port })
      accepted.destroy()
      conn.destroy()
      door.close()
    },
  )

  it.each([
    ['EADDRINUSE', async () => ({ host: '127.0.0.1', port: (await Door.open()).port })],
    ['EADDRNOTAVAIL', () => Promise.resolve({ host: '192.0.2.1', port: 0 })],
  ])('throws %s where it cannot bind', async (code, where) => {
    await expect(listen({ ...(await where()), ...quiet })).rejects.toMatchObject({ code })
  })

  it('accepts no more once closed, and leaves the conns alone', async () => {
    const door = await Door.open(OWN_HOST)
    const { host, port } = door
    const conn = await dialLoopback()({ host, port }, NEVER)
    const accepted = new Collector(await door.next())
    door.close()
    door.close()
    await expect(dialLoopback()({ host, port }, NEVER)).rejects.toMatchObject({
      code: 'DIAL_REFUSED',
    })
    conn.write(Buffer.from('still here'))
    await accepted.until(() => accepted.size > 0)
    expect(accepted.text).toBe('still here')
    conn.destroy()
    accepted.conn.destroy()
  })

  it('gives a port free again', async () => {
    const port = freePort()
    for (let i = 0; i < 3; i++) {
      const listener = await listen({ host: OWN_HOST, port, ...quiet })
      expect(listener.address.port).toBe(port)
      listener.close()
    }
  })

  it('goes on after the process had no more files to open', async () => {
    await using child = run('./full-listener.ts', [], 40)
    const { port } = JSON.parse(await child.line()) as { port: number }
    const state = async (): Promise<{ held: number; dial: string }> => {
      child.say('?')
      return JSON.parse(await child.line()) as { held: number; dial: string }
    }
    const clients: Socket[] = []
    const turnedAway: Promise<unknown>[] = []
    const come = async (): Promise<Socket> => {
      const client = connect(port, '127.0.0.1').on('error', () => {})
      clients.push(client)
      turnedAway.push(once(client, 'close'))
      await once(client, 'connect')
      return client
    }
    for (let i = 0; i < 60; i++) (await come()).resume()
    await Promise.race(turnedAway)
    const full = await state()
    expect([full.dial, full.held > 0, full.held < 40]).toEqual(['DIAL_LOCAL_LIMIT', true, true])
    child.say('free')
    await Promise.all(turnedAway)
    expect(await state()).toEqual({ held: 0, dial: 'OK' })
    const client = await come()
    client.write('hello')
    expect(String(await once(client, 'data'))).toBe('hello')
    for (const each of clients) each.destroy()
  })
})
