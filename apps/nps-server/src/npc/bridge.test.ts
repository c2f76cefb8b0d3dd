import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Agent, Link } from '../agent.ts'
import { Bytes } from './testing/bytes.ts'
import { BridgeStage } from './testing/bridge-stage.ts'
import { closedPort, openEcho, openTcp, openUdpEcho, type Target } from './testing/servers.ts'

const VISITOR = { host: '192.0.2.7', port: 4711 }
const NEVER = new AbortController().signal
const MIB = 1024 * 1024

let stage: BridgeStage
let echo: Target
let udpEcho: Target
beforeAll(async () => {
  stage = await BridgeStage.openBridge()
  echo = await openEcho()
  udpEcho = await openUdpEcho()
})
afterAll(async () => {
  await stage[Symbol.asyncDispose]()
  await echo[Symbol.asyncDispose]()
  await udpEcho[Symbol.asyncDispose]()
})

const linkTo = (target: string, more: Partial<Link> = {}): Link => ({ target, visitor: VISITOR, ...more })
const opened = async (agent: Agent, link: Link): Promise<Bytes> => new Bytes(await agent.open(link, NEVER))

const hex = (bytes: Buffer): string => bytes.toString('hex')

describe.each([
  ['in clear', { crypt: false, compress: false }],
  ['encrypted', { crypt: true, compress: false }],
  ['compressed', { crypt: false, compress: true }],
  ['told to do both, encrypted', { crypt: true, compress: true }],
])('streams to npc, %s', (name, fields) => {
  it('carry 5 MiB there and back as they are', async () => {
    stage.addClient(name, fields)
    const { emulator, agent } = await stage.connect({ vkey: name })
    const stream = await opened(agent, linkTo(echo.text))
    const sent = randomBytes(5 * MIB)
    stream.send(sent)
    expect((await stream.first(sent.length)).equals(sent)).toBe(true)
    expect(agent.streams).toBe(1)
    stream.close()
    emulator.stop()
  })

  it('tell the end of the target behind its last bytes, of a bare port of its loopback too', async () => {
    await using last = await openTcp((socket) => socket.end('last words'))
    const { emulator, agent } = await stage.connect({ vkey: name })
    for (const target of [last.text, String(last.port)]) {
      const stream = await opened(agent, linkTo(target))
      expect(String(await stream.all())).toBe('last words')
      stream.close()
    }
    await expect.poll(() => agent.streams).toBe(0)
    emulator.stop()
  })

  it('end at once where the target refuses', async () => {
    const { emulator, agent } = await stage.connect({ vkey: name })
    const stream = await opened(agent, linkTo(String(await closedPort())))
    expect(String(await stream.all())).toBe('')
    stream.close()
    await expect.poll(() => agent.streams).toBe(0)
    emulator.stop()
  })

  it('begin with a PROXY header of the visitor where it is wanted, within all else', async () => {
    const { emulator, agent } = await stage.connect({ vkey: name })
    const to = { host: '198.51.100.1', port: 80 }
    const stream = await opened(agent, linkTo(echo.text, { proxyHeader: { version: 1, to } }))
    stream.send('payload')
    const wanted = 'PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\npayload'
    expect(String(await stream.first(wanted.length))).toBe(wanted)
    stream.close()
    emulator.stop()
  })

  it.each([1, 100, 1400, 4000, 9000, 20_000])('carry datagrams of %i bytes as they are', async (size) => {
    const { emulator, agent } = await stage.connect({ vkey: name })
    const link = await agent.openDatagrams(linkTo(udpEcho.text), NEVER)
    const back: Buffer[] = []
    link.onDatagram = (payload) => back.push(Buffer.from(payload))
    const sent = [randomBytes(size), randomBytes(size), randomBytes(size)]
    for (const payload of sent) expect(link.send(payload)).toBe(true)
    await expect.poll(() => back.length).toBe(3)
    // Of UDP the order is nobody's promise.
    expect(new Set(back.map(hex))).toEqual(new Set(sent.map(hex)))
    link.close()
    await expect.poll(() => [agent.streams, emulator.streams]).toEqual([0, 0])
    emulator.stop()
  })
})

describe('packets of a SOCKS association', () => {
  it('go to wherever each says, and come back with where they came from', async () => {
    await using other = await openUdpEcho()
    stage.addClient('packets')
    const { emulator, agent } = await stage.connect({ vkey: 'packets' })
    const link = await agent.openPackets(VISITOR, NEVER)
    const back: string[] = []
    link.onDatagram = ({ host, port }, payload) =>
      back.push(`${host}:${port} ${Buffer.from(payload).toString()}`)
    const targets = [udpEcho, other]
    for (const { port } of targets) link.send({ host: '127.0.0.1', port }, Buffer.from(`to ${port}`))
    await expect
      .poll(() => back.toSorted())
      .toEqual(targets.map(({ text, port }) => `${text} to ${port}`).toSorted())
    expect(link.send({ host: '127.0.0.1', port: other.port }, Buffer.alloc(1672))).toBe(false)
    link.close()
    emulator.stop()
  })
})
