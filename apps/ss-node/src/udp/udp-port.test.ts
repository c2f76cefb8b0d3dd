import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { HERE, salted, settled, UdpStage } from './testing/udp-stage.ts'
import { UdpPorts } from './udp-ports.ts'
import type { OpenSocket } from './udp-port.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

const ADDRESS = { host: '192.0.2.9', port: 8388 }

/** Ports whose sockets cannot be had as long as there is an `errno`. */
class Stage {
  readonly inner: UdpStage = new UdpStage([{ name: 'ada' }])
  readonly open = new Set<(bytes: Uint8Array, host: string, port: number) => void>()
  errno: string | undefined = undefined
  tries = 0
  readonly ports: UdpPorts

  constructor() {
    const { socket, parts } = this.inner
    const openSocket: OpenSocket = async (address, onDatagram) => {
      this.tries += 1
      await settled()
      if (this.errno !== undefined) throw Object.assign(new Error('no'), { code: this.errno })
      this.open.add(onDatagram)
      return { ...socket, address, close: () => void this.open.delete(onDatagram) }
    }
    this.ports = new UdpPorts({ parts, openSocket })
  }

  take(text: string): void {
    const [key] = this.inner.users.map((user) => user.key)
    for (const onDatagram of this.open) onDatagram(salted(key!, text), HERE.host, HERE.port)
  }
}

it('takes datagrams until it is closed, and then forgets who was there', async () => {
  const stage = new Stage()
  const port = await stage.ports.open(ADDRESS, stage.inner.keyring)
  stage.take('x')
  await settled()
  expect([stage.ports.associations, stage.ports.clients, stage.inner.relayed]).toEqual([1, 1, ['x']])
  port.close()
  await settled()
  expect([stage.ports.associations, stage.open.size, stage.inner.left[3]]).toEqual([0, 0, 0])
  expect(stage.inner.ways[0]!.isClosed).toBe(true)
})

it('tells once that it cannot be opened, and tries again', async () => {
  const stage = new Stage()
  stage.errno = 'EADDRINUSE'
  const port = await stage.ports.open(ADDRESS, stage.inner.keyring)
  for (let tries = 0; tries < 3; tries++) {
    await vi.advanceTimersByTimeAsync(5000)
    await settled()
  }
  expect([stage.tries, stage.ports.states()]).toEqual([4, { open: 0, unavailable: 1 }])
  const line = { port: 8388, protocol: 'udp', errno: 'EADDRINUSE' }
  expect(stage.inner.journal.of('port.unavailable')).toMatchObject([line])
  stage.errno = undefined
  await vi.advanceTimersByTimeAsync(5000)
  await settled()
  expect(stage.ports.states()).toEqual({ open: 1, unavailable: 0 })
  port.close()
})

it('tries no more when it is closed, not even where it is being opened', async () => {
  const stage = new Stage()
  stage.errno = 'EACCES'
  const port = await stage.ports.open(ADDRESS, stage.inner.keyring)
  stage.errno = undefined
  await vi.advanceTimersByTimeAsync(5000)
  port.close()
  await settled()
  await settled()
  await vi.advanceTimersByTimeAsync(60_000)
  expect([stage.tries, stage.open.size, stage.ports.states()]).toEqual([2, 0, { open: 0, unavailable: 0 }])
})
