import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DatagramListener } from '@sluice/service'
import type { Address } from '@sluice/wire'
import { decodeNpcMeetingPoint, encodeNpcMeeting, type NpcMeeting } from '@sluice/wire/npc'
import { emulateLogin, emulatorReader, md5 } from '../testing/npc-emulator-login.ts'
import { npcHash } from '../secret-hash.ts'
import { BridgeStage } from './testing/bridge-stage.ts'
import { NpcMeetings } from './meetings.ts'

let stage: BridgeStage
let meetings: NpcMeetings
let now = 0
const sockets: Socket[] = []

beforeAll(async () => {
  stage = await BridgeStage.openBridge({ argv: ['--p2p', '127.0.0.1:0'] })
  meetings = await NpcMeetings.open({
    program: stage.program,
    address: { host: '127.0.0.1', port: 0 },
    now: () => now,
  })
})
afterAll(async () => {
  for (const socket of sockets) socket.close()
  await stage[Symbol.asyncDispose]()
})

interface Side {
  readonly text: string
  readonly heard: string[]
  come(role: NpcMeeting['role'], password: string): void
  send(bytes: Uint8Array, at?: number): void
}

const openSide = async (base = meetings.address.port): Promise<Side> => {
  const socket = createSocket('udp4')
  sockets.push(socket)
  const heard: string[] = []
  socket.on('message', (message, { port }) => heard.push(`${port - base} ${String(message)}`))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const send = (bytes: Uint8Array, at = 0): void => socket.send(bytes, base + at, '127.0.0.1')
  return {
    text: `127.0.0.1:${socket.address().port}`,
    heard,
    send,
    come: (role, password) => {
      for (const at of [0, 1, 2]) send(encodeNpcMeeting({ role, passwordMd5: md5(password) }), at)
    },
  }
}
const seen = ({ text }: Side): Set<string> => new Set([0, 1, 2].map((at) => `${at} ${text}`))

it('ports behind the first are told with the setting that they belong to', async () => {
  let closed = 0
  const failure = Object.assign(new Error('bind EADDRINUSE 127.0.0.1:6001'), { code: 'EADDRINUSE' })
  const datagrams = async (_: string, address: Address): Promise<DatagramListener> => {
    if (address.port !== 6000) throw failure
    return { address, close: () => void (closed += 1) } as DatagramListener
  }
  const open = (port: number): Promise<NpcMeetings> =>
    NpcMeetings.open({ program: { datagrams }, address: { host: '127.0.0.1', port } })
  await expect(open(6000)).rejects.toMatchObject({
    code: 'EADDRINUSE',
    message: '--p2p has 3 ports in a row: bind EADDRINUSE 127.0.0.1:6001',
  })
  expect(closed).toBe(1)
  await expect(open(7000)).rejects.toBe(failure)
})

describe('a meeting of peers', () => {
  it('tells each at each port from where the other’s datagrams come', async () => {
    const [visitor, provider] = [await openSide(), await openSide()]
    meetings.begin(md5('a'))
    visitor.come('visitor', 'a')
    provider.come('provider', 'a')
    await expect.poll(() => new Set(visitor.heard)).toEqual(seen(provider))
    await expect.poll(() => new Set(provider.heard)).toEqual(seen(visitor))
  })

  it('answers nobody who was not told of one, or comes too late, or says anything else', async () => {
    const [one, other] = [await openSide(), await openSide()]
    meetings.begin(md5('late'))
    now += 20_001
    for (const password of ['unknown', 'late']) {
      one.come('visitor', password)
      other.come('provider', password)
    }
    one.send(Buffer.from('what'))
    one.send(Buffer.alloc(0))
    // What comes last is answered, so all before it was looked at.
    meetings.begin(md5('b'))
    one.come('visitor', 'b')
    other.come('provider', 'b')
    await expect.poll(() => [one.heard.length, other.heard.length]).toEqual([3, 3])
  })

  it('is brought about for a visitor who knows the password', async () => {
    const owner = stage.addClient('owner')
    stage.addClient('visitor')
    stage.addTunnel(owner, { mode: 'p2p', targets: ['80'], passwordHash: npcHash('pw') })
    const { emulator } = await stage.connect({ vkey: 'owner' })
    const options = { port: stage.port, vkey: 'visitor' }
    const socket = await emulateLogin(options, { type: 'p2p', passwordMd5: md5('pw') })
    const point = await emulatorReader(socket)(decodeNpcMeetingPoint)
    await expect
      .poll(() => emulator.signals)
      .toEqual([{ type: 'p2p', server: point, passwordMd5: md5('pw') }])
    const base = Number(point.split(':')[1])
    const [visitor, provider] = [await openSide(base), await openSide(base)]
    visitor.come('visitor', 'pw')
    provider.come('provider', 'pw')
    await expect.poll(() => new Set(visitor.heard)).toEqual(seen(provider))
    emulator.stop()
  })

  it('is none for who does not know it', async () => {
    const options = { port: stage.port, vkey: 'visitor' }
    const socket = await emulateLogin(options, { type: 'p2p', passwordMd5: md5('guess') })
    await expect(emulatorReader(socket)(decodeNpcMeetingPoint)).rejects.toThrow('the server has closed')
    await expect.poll(() => stage.lines('session.end').at(-1)).toMatchObject({ code: 'AUTH_FAILED' })
  })
})
