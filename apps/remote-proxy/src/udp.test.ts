import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { AddressPolicy, createDial, createLocate } from '@sluice/net'
import { openTestDoor, TestClient, type TestDoor, type TestUser } from '@sluice/service/testing'
import {
  type Address,
  COMMAND,
  decodeReply,
  decodeSocksDatagram,
  encodeGreeting,
  encodeRequest,
  encodeSocksDatagram,
  encodeUserPass,
  METHOD,
} from '@sluice/wire'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { OWN_HOST } from './testing/own-loopback.ts'
import { testHandshake } from './testing/test-handshake.ts'
import { bytesOf } from './testing/dialects.ts'
import { udpAssociate, type UdpOptions } from './udp.ts'

const USERS: TestUser[] = [
  { name: 'ada', password: 'horse' },
  { name: 'spent', password: 'horse', limits: { quotaBytes: 1000 } },
  { name: 'slow', password: 'horse', limits: { up: 1, burst: 2000 } },
]
const ANYWHERE: Address = { host: '0.0.0.0', port: 0 }
const AGREED = 4

let door: TestDoor
const open: { close(): void }[] = []

const openDoor = async (options: Partial<UdpOptions> = {}): Promise<void> => {
  const policy = new AddressPolicy(['127.0.0.0/8', '::1'])
  const locate = createLocate({ policy })
  const udp = udpAssociate({ locate: (target) => locate(target), idleMs: 300_000, ...options })
  door = await openTestDoor(testHandshake({ udp }), { users: USERS, dial: createDial({ policy }) })
}
afterEach(async () => {
  for (const each of open.splice(0)) each.close()
  await door.close()
})

const ask = async (from: Address, name = 'ada'): Promise<TestClient> => {
  const control = await TestClient.connect(door.address)
  open.push(control)
  control.send(encodeGreeting({ methods: Uint8Array.of(METHOD.USER_PASS) }))
  control.send(encodeUserPass(bytesOf({ name, password: 'horse' })))
  control.send(encodeRequest({ command: COMMAND.UDP_ASSOCIATE, address: from }))
  return control
}

const udpSocket = async (host = '127.0.0.1'): Promise<Socket> => {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4').bind(0, host)
  await once(socket, 'listening')
  open.push(socket)
  return socket
}

const addressOf = (socket: Socket): Address => {
  const { address: host, port } = socket.address()
  return { host, port }
}

/** A target that sends everything back. */
const echo = async (host = '127.0.0.1'): Promise<Address> => {
  const socket = await udpSocket(host)
  socket.on('message', (bytes: Buffer, { address, port }: RemoteInfo) => socket.send(bytes, port, address))
  return addressOf(socket)
}

const datagram = (address: Address, text: string, fragment = 0): Buffer =>
  Buffer.concat([encodeSocksDatagram({ fragment, address }), Buffer.from(text)])

/** One association, from the client's side. */
class Association {
  readonly control: TestClient
  readonly relay: Address
  readonly socket: Socket

  static async open(from = ANYWHERE, name = 'ada'): Promise<Association> {
    const control = await ask(from, name)
    const { reply, bound } = decodeReply((await control.take(AGREED + 10)).subarray(AGREED))!.value
    if (reply !== 0) throw new Error(`refused with ${reply}`)
    return new Association(control, bound, await udpSocket())
  }

  private constructor(control: TestClient, relay: Address, socket: Socket) {
    this.control = control
    this.relay = relay
    this.socket = socket
  }

  send(bytes: Uint8Array, socket = this.socket): void {
    socket.send(bytes, this.relay.port, OWN_HOST)
  }

  /** Sends, and waits for what comes back. */
  async ask(bytes: Uint8Array): Promise<{ from: Address; text: string }> {
    const message = once(this.socket, 'message')
    this.send(bytes)
    const [answer] = (await message) as [Buffer]
    const { value, size } = decodeSocksDatagram(answer)!
    if (value.fragment !== 0) throw new Error(`fragment ${value.fragment}`)
    return { from: value.address, text: answer.subarray(size).toString() }
  }

  /** What was not relayed has been dropped by the time that something later comes back. */
  async settled(target: Address): Promise<void> {
    const { text } = await this.ask(datagram(target, 'sentinel'))
    if (text !== 'sentinel') throw new Error(`${text} came back`)
  }
}

describe('UDP ASSOCIATE', () => {
  beforeEach(() => openDoor())

  test('relays both ways, and counts payload', async () => {
    const target = await echo()
    const association = await Association.open()
    expect(association.relay.host).toBe(OWN_HOST)
    for (const text of ['ping', '', 'x'.repeat(9000)]) {
      expect(await association.ask(datagram(target, text))).toEqual({ from: target, text })
    }
    association.control.finish()
    await association.control.rest()
    expect(await door.end(association.control)).toMatchObject({
      code: 'OK',
      user: 'ada',
      up: 9004,
      down: 9004,
    })
  })

  test('sends to names and to both families, and answers with addresses', async () => {
    const [four, six] = [await echo(), await echo('::1')]
    const association = await Association.open()
    const named = await association.ask(datagram({ host: 'localhost', port: four.port }, 'a'))
    expect(named).toEqual({ from: four, text: 'a' })
    expect(await association.ask(datagram(six, 'b'))).toEqual({ from: six, text: 'b' })
    const mapped = await association.ask(datagram({ host: '::ffff:127.0.0.1', port: four.port }, 'c'))
    expect(mapped).toEqual({ from: four, text: 'c' })
  })

  test('drops what is malformed, a fragment, denied, or for port 0', async () => {
    const target = await echo()
    const association = await Association.open()
    association.send(Buffer.alloc(0))
    association.send(Buffer.from([0, 0, 0, 9]))
    association.send(Buffer.from([0, 1, 0, 1, 127, 0, 0, 1, 0, 1]))
    association.send(datagram({ ...target, port: 0 }, 'x'))
    association.send(datagram(target, 'x', 1))
    association.send(datagram({ host: '10.0.0.1', port: 53 }, 'x'))
    await association.settled(target)
    expect(Object.fromEntries(door.metrics.dropped)).toEqual({ malformed: 4, fragment: 1, policy: 1 })
    expect(door.lines.join('')).toContain('datagram.denied')
  })

  test('random datagrams are relayed or dropped, and nothing else', async () => {
    const target = await echo()
    const association = await Association.open()
    const begin = fc.constantFrom(
      Buffer.alloc(0),
      Buffer.alloc(3),
      encodeSocksDatagram({ fragment: 0, address: target }),
      Buffer.from([0, 0, 0, 3, 9]),
    )
    await fc.assert(
      fc.asyncProperty(begin, fc.uint8Array({ maxLength: 40 }), async (head, tail) => {
        association.send(Buffer.concat([head, tail]))
        await turn()
      }),
      { numRuns: 300 },
    )
    const dropped = (): number => [...door.metrics.dropped.values()].reduce((sum, count) => sum + count, 0)
    await expect.poll(() => dropped() + door.metrics.datagrams.up, { interval: 1 }).toBe(300)
    association.control.finish()
    expect((await door.end(association.control)).code).toBe('OK')
    expect([...door.metrics.dropped.keys()].toSorted()).not.toContain('client')
  })

  test('takes datagrams from one address and port of its client alone', async () => {
    const target = await echo()
    const association = await Association.open()
    const [other, stranger] = [await udpSocket(), await udpSocket('127.0.0.2')]
    association.send(datagram(target, 'x'), stranger)
    await association.settled(target)
    association.send(datagram(target, 'x'), other)
    await association.settled(target)
    expect(Object.fromEntries(door.metrics.dropped)).toEqual({ client: 2 })
  })

  test('takes them from the port that the request names, where its address is right', async () => {
    const target = await echo()
    const socket = await udpSocket()
    const association = await Association.open(addressOf(socket))
    association.send(datagram(target, 'x'))
    const message = once(socket, 'message')
    association.send(datagram(target, 'ping'), socket)
    expect(((await message) as [Buffer])[0].subarray(-4).toString()).toBe('ping')
    expect(Object.fromEntries(door.metrics.dropped)).toEqual({ client: 1 })
  })

  test('lets nobody answer whom the client did not ask', async () => {
    const target = await udpSocket()
    const association = await Association.open()
    const asked = once(target, 'message')
    association.send(datagram(addressOf(target), 'x'))
    const [, { port }] = (await asked) as [Buffer, RemoteInfo]
    const stranger = await udpSocket()
    stranger.send('unasked', port, '127.0.0.1')
    await association.settled(await echo())
    expect(Object.fromEntries(door.metrics.dropped)).toEqual({ source: 1 })
  })

  test.each(['finish', 'reset'] as const)('ends with its connection: %s', async (how) => {
    const target = await echo()
    const association = await Association.open()
    await association.settled(target)
    association.control[how]()
    const code = how === 'finish' ? 'OK' : 'CLIENT_RESET'
    expect((await door.end(association.control)).code).toBe(code)
    await isFree(association.relay)
  })

  test('does not mind what is sent on its connection', async () => {
    const association = await Association.open()
    association.control.send(Buffer.alloc(200_000))
    await association.settled(await echo())
  })

  test('ends when its session is cut', async () => {
    const association = await Association.open()
    door.sessions.cutAll('USER_REMOVED')
    await association.control.rest()
    expect((await door.end(association.control)).code).toBe('USER_REMOVED')
    await isFree(association.relay)
  })

  test('ends with its quota', async () => {
    const target = await echo()
    const association = await Association.open(ANYWHERE, 'spent')
    await association.ask(datagram(target, 'x'.repeat(400)))
    association.send(datagram(target, 'x'.repeat(400)))
    const { code, up, down } = await door.end(association.control)
    expect([code, up, down]).toEqual(['QUOTA_EXCEEDED', 800, 400])
  })

  test('holds its user to a rate, and counts what it drops', async () => {
    const target = await echo()
    const association = await Association.open(ANYWHERE, 'slow')
    expect(await association.ask(datagram(target, 'x'.repeat(400)))).toMatchObject({ from: target })
    for (let i = 0; i < 600; i++) association.send(datagram(target, 'x'.repeat(1000)))
    await expect.poll(() => door.metrics.dropped.get('queue') ?? 0).toBeGreaterThan(0)
  })
})

/** The port is free again. */
const isFree = async ({ host, port }: Address): Promise<void> => {
  const socket = createSocket('udp4').bind(port, host)
  open.push(socket)
  await once(socket, 'listening')
}

test('ends when nothing passes', async () => {
  await openDoor({ idleMs: 40 })
  const association = await Association.open()
  await association.control.rest()
  expect((await door.end(association.control)).code).toBe('IDLE_TIMEOUT')
})

test('tells another address to clients of its family', async () => {
  await openDoor({ address: '203.0.113.9' })
  const association = await Association.open()
  expect(association.relay.host).toBe('203.0.113.9')
  await association.settled(await echo())
})

test('tells its own address where the other is of another family', async () => {
  await openDoor({ address: '2001:db8::9' })
  expect((await Association.open()).relay.host).toBe(OWN_HOST)
})

test('is refused where no port is free', async () => {
  const { port } = addressOf(await udpSocket(OWN_HOST))
  await openDoor({ ports: { first: port, last: port } })
  const control = await ask(ANYWHERE)
  expect((await control.lastWords()).at(AGREED + 1)).toBe(1)
  expect((await door.end(control)).code).toBe('DIAL_LOCAL_LIMIT')
})
