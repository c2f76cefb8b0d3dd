import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { createLog } from '@sluice/service'
import { type Address, formatAddress } from '@sluice/wire'
import { describe, it } from 'vitest'
import { freshIdentity } from '../identity.ts'
import { Journal } from '../testing/journal.ts'
import { openTestRelay, type TestRelay } from '../testing/test-relay.ts'
import { type DialEnd, openDialEnd } from './dial-end.ts'
import { type ListenEnd, openListenEnd } from './listen-end.ts'
import { createPeer, type Peer } from './peer.ts'

const LOCAL = { host: '127.0.0.1', port: 0 }
const ENDS = { ops: undefined, graceMs: 1000 }
const logTo = (journal: Journal) => createLog({ level: 'info', sink: journal })

const openServer = async (onSocket: (socket: Socket) => void): Promise<{ server: Server; at: Address }> => {
  const server = createServer({ allowHalfOpen: true }, (socket) => onSocket(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, at: { host: '127.0.0.1', port: (server.address() as AddressInfo).port } }
}

/** A target, a peer in front of it, and a local port of another one that leads there. */
class Ends implements AsyncDisposable {
  readonly relay: TestRelay
  readonly far: ListenEnd
  readonly near: DialEnd
  readonly server: Server
  readonly farLog: Journal
  readonly nearLog: Journal
  readonly ids: readonly [far: string, near: string]

  static async open(
    onSocket: (socket: Socket) => void,
    flags: readonly string[] = [],
    more: { allow?: string; waitMs?: number } = {},
  ): Promise<Ends> {
    const relay = await openTestRelay([], ...flags)
    const { server, at: forward } = await openServer(onSocket)
    const peer = (): Peer =>
      createPeer({ identity: freshIdentity(), relays: [`tcp://${formatAddress(relay.at)}`] })
    const [farPeer, nearPeer] = [peer(), peer()]
    const [farLog, nearLog] = [new Journal(), new Journal()]
    const allowPeer = more.allow === undefined ? [] : [more.allow]
    const config = { ...ENDS, forward, allowPeer, listen: LOCAL, waitMs: more.waitMs ?? 0 }
    const far = openListenEnd({ config, peer: farPeer, log: logTo(farLog), version: '0' })
    await far.opened
    const target = farPeer.id
    const near = await openDialEnd({ config, peer: nearPeer, target, log: logTo(nearLog), version: '0' })
    return new Ends({ relay, far, near, server, farLog, nearLog, ids: [target, nearPeer.id] })
  }

  private constructor(parts: Omit<Ends, typeof Symbol.asyncDispose | 'client'>) {
    this.relay = parts.relay
    this.far = parts.far
    this.near = parts.near
    this.server = parts.server
    this.farLog = parts.farLog
    this.nearLog = parts.nearLog
    this.ids = parts.ids
  }

  async client(): Promise<Socket> {
    const socket = connect({ ...this.near.address, allowHalfOpen: true })
    await once(socket, 'connect')
    return socket
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { end } of [this.near, this.far]) {
      const stopped = end.stop()
      end.hurry()
      await stopped
    }
    this.server.close()
    await this.relay[Symbol.asyncDispose]()
  }
}

const collect = async (socket: Socket): Promise<string> => {
  const parts: Buffer[] = []
  for await (const part of socket) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}

const brokenOff = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
    socket.on('end', () => resolve('end')).resume()
  })

describe.concurrent('a forwarded port', () => {
  it('leads to the target of another peer, each way with an end of its own', async ({ expect }) => {
    await using ends = await Ends.open((socket) => {
      void collect(socket).then((text) => socket.end(text.toUpperCase()))
    })
    const client = await ends.client()
    client.end('what is this')
    expect(await collect(client)).toBe('WHAT IS THIS')
    const line = { door: 'local', code: 'OK', up: 12, down: 12 }
    await expect.poll(() => ends.nearLog.of('session.end')).toMatchObject([{ ...line, peer: ends.ids[0] }])
    await expect.poll(() => ends.farLog.of('session.end')).toMatchObject([{ ...line, peer: ends.ids[1] }])
    expect([ends.nearLog.of('listening').length, ends.nearLog.of('ready').length]).toEqual([1, 1])
    expect([ends.farLog.of('listening').length, ends.farLog.of('ready').length]).toEqual([0, 1])
    expect(ends.farLog.of('reservation.held')).toHaveLength(1)
  })

  it('serves where the server speaks first', async ({ expect }) => {
    await using ends = await Ends.open((socket) => socket.write('SSH-2.0-test\r\n'))
    const client = await ends.client()
    const [greeting] = (await once(client, 'data')) as [Buffer]
    expect(greeting.toString()).toBe('SSH-2.0-test\r\n')
    client.destroy()
  })

  it('resets whoever has a circuit that breaks', async ({ expect }) => {
    await using ends = await Ends.open((socket) => {
      socket.write('half of it')
      socket.once('data', () => socket.resetAndDestroy())
    })
    const client = await ends.client()
    await once(client, 'data')
    client.write('go')
    expect(await brokenOff(client)).toBe('ECONNRESET')
    await expect
      .poll(() => ends.nearLog.of('session.end'))
      .toMatchObject([{ code: expect.not.stringMatching('OK') }])
  })

  it('is reset at a limit of the relay, and the peer that listens learns which', async ({ expect }) => {
    await using ends = await Ends.open((socket) => socket.resume(), ['--circuit-bytes', '1000'])
    const client = await ends.client()
    client.write('x'.repeat(5000))
    expect(await brokenOff(client)).toMatch(/ECONNRESET|EPIPE/)
    await expect.poll(() => ends.farLog.of('circuit.closed')).toMatchObject([{ status: 'DATA_LIMIT' }])
    await expect
      .poll(() => ends.farLog.of('session.end'))
      .toMatchObject([{ code: expect.not.stringMatching('OK') }])
  })

  it('is reset where the target is away, and both logs say why', async ({ expect }) => {
    await using ends = await Ends.open(() => {})
    ends.server.close()
    await once(ends.server, 'close')
    expect(await brokenOff(await ends.client())).toBe('ECONNRESET')
    await expect
      .poll(() => ends.nearLog.of('session.end'))
      .toMatchObject([
        { code: 'RELAY_REFUSED', status: 'REJECTED', limit: 'the target of this peer cannot be reached' },
      ])
    expect(ends.farLog.of('circuit.rejected')).toMatchObject([{ peer: ends.ids[1] }])
  })

  it('is for those who are on the list', async ({ expect }) => {
    await using ends = await Ends.open(() => {}, [], { allow: freshIdentity().id })
    expect(await brokenOff(await ends.client())).toBe('ECONNRESET')
    await expect
      .poll(() => ends.nearLog.of('session.end'))
      .toMatchObject([{ why: expect.stringMatching('may not come') }])
  })

  it('has connections wait where the relay has no room, and names the limit', async ({ expect }) => {
    await using ends = await Ends.open(
      (socket) => void collect(socket).then((text) => socket.end(text)),
      ['--circuits-per-peer', '1'],
      { waitMs: 20_000 },
    )
    const first = await ends.client()
    first.write('1')
    await expect.poll(() => ends.near.end.traffic.up).toBe(1)
    const second = await ends.client()
    second.end('2')
    await expect
      .poll(() => ends.nearLog.of('circuit.waits'))
      .toMatchObject([{ limit: expect.stringMatching(/^circuits-(source|destination)$/) }])
    first.end()
    expect(await collect(first)).toBe('1')
    expect(await collect(second)).toBe('2')
  })

  it('gives a circuit up whose client leaves, and ends in good order', async ({ expect }) => {
    await using ends = await Ends.open((socket) => void collect(socket).then((text) => socket.end(text)))
    const client = await ends.client()
    client.write('x')
    await expect.poll(() => ends.near.end.traffic.up).toBe(1)
    const stopped = ends.near.end.stop()
    client.end('y')
    expect(await collect(client)).toBe('xy')
    await stopped
    expect(ends.nearLog.of('session.end')).toMatchObject([{ code: 'OK' }])
    await expect.poll(() => ends.far.end.traffic.open).toBe(0)
  })
})
