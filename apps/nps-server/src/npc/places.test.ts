import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NpcEmulator } from '../testing/npc-emulator.ts'
import { md5 } from '../testing/npc-emulator-login.ts'
import { Bytes } from './testing/bytes.ts'
import { BridgeStage } from './testing/bridge-stage.ts'
import { RawNpc } from './testing/raw-npc.ts'
import { openEcho, openTcp, type Target } from './testing/servers.ts'

const NEVER = new AbortController().signal
const VISITOR = { host: '192.0.2.7', port: 4711 }
const HOST = '127.0.0.1'

let stage: BridgeStage
/** Waits for nobody. */
let hasty: BridgeStage
let echo: Target
beforeAll(async () => {
  stage = await BridgeStage.openBridge()
  hasty = await BridgeStage.openBridge({ patienceMs: 100, argv: ['--dead-after', '200ms'] })
  echo = await openEcho()
})
afterAll(async () => {
  await stage[Symbol.asyncDispose]()
  await hasty[Symbol.asyncDispose]()
  await echo[Symbol.asyncDispose]()
})

const arrive = (vkey: string, purpose: string, { port } = stage): Promise<RawNpc> =>
  RawNpc.arrive({ host: HOST, port }, vkey, purpose)
const openTo = async (agent: { open: NpcAgentOpen }, target: string): Promise<Bytes> =>
  new Bytes(await agent.open({ target, visitor: VISITOR }, NEVER))
type NpcAgentOpen = NonNullable<ReturnType<BridgeStage['agentOf']>>['open']

describe('a program of npc', () => {
  it('is there once both of its conns are, in either order', async () => {
    for (const order of [
      ['main', 'chan'],
      ['chan', 'main'],
    ]) {
      const vkey = order.join()
      const client = stage.addClient(vkey)
      const first = await arrive(vkey, order[0]!)
      expect(stage.agentOf(client)).toBe(undefined)
      const second = await arrive(vkey, order[1]!)
      await expect.poll(() => stage.told(client)).toEqual(['agent.joined'])
      expect(stage.agentOf(client)).toMatchObject({ kind: 'npc', version: '0.26.10', streams: 0 })
      for (const raw of [first, second]) raw.socket.destroy()
      await expect.poll(() => stage.told(client)).toEqual(['agent.joined', 'agent.left'])
    }
  })

  it.each(['main', 'chan', 'file'])('is dropped where only %s comes', async (purpose) => {
    const client = hasty.addClient(`only ${purpose}`)
    const raw = await arrive(`only ${purpose}`, purpose, hasty)
    await raw.rest()
    expect(hasty.told(client)).toEqual([])
  })

  it('may lose its streams and bring new ones, and is gone with its conn for signals', async () => {
    const client = stage.addClient('again')
    const main = await arrive('again', 'main')
    const chan = await arrive('again', 'chan')
    await expect.poll(() => stage.told(client)).toEqual(['agent.joined'])
    chan.socket.destroy()
    await expect.poll(() => stage.told(client)).toEqual(['agent.joined', 'agent.left'])
    const next = await arrive('again', 'chan')
    await expect.poll(() => stage.told(client)).toEqual(['agent.joined', 'agent.left', 'agent.joined'])
    main.socket.destroy()
    await next.rest()
    expect(stage.agentOf(client)).toBe(undefined)
  })

  it('is gone when it is silent for too long, and what waits for it fails', async () => {
    await using own = await BridgeStage.openBridge({ argv: ['--dead-after', '500ms'] })
    const client = own.addClient('silent')
    const main = await arrive('silent', 'main', own)
    await arrive('silent', 'chan', own)
    await expect.poll(() => own.agentOf(client), { interval: 5 }).not.toBe(undefined)
    const opening = own.agentOf(client)!.open({ target: '80', visitor: VISITOR }, NEVER)
    await expect(opening).rejects.toMatchObject({ code: 'AGENT_LOST' })
    await expect.poll(() => own.told(client)).toEqual(['agent.joined', 'agent.left'])
    main.socket.destroy()
  })

  it('is replaced wholly by one that comes later, and its end does not end the other', async () => {
    const client = stage.addClient('twice')
    const first = await stage.connect({ vkey: 'twice' })
    const stream = await openTo(first.agent, echo.text)
    await stream.send('x').first(1)
    const second = await stage.connect({ vkey: 'twice' })
    await first.emulator.closed
    await stream.all()
    expect(stage.told(client)).toEqual(['agent.joined', 'agent.left', 'agent.joined'])
    const other = await openTo(second.agent, echo.text)
    await other.send('still here').first(10)
    expect([client.agents.all, first.agent.closed]).toEqual([[second.agent], true])
    const codes = stage.lines('session.end').filter(({ code }) => code === 'REPLACED')
    expect(new Set(codes.map(({ protocol }) => protocol))).toEqual(new Set(['npc-chan', 'npc-main']))
    other.close()
    second.emulator.stop()
    await expect.poll(() => stage.told(client).length).toBe(4)
  })

  it('does not outlive a key that is void, nor a client that is disabled or removed', async () => {
    const end = {
      disabled: (id: number) => stage.store.patchClient(id, { enabled: false }),
      expired: (id: number) => stage.store.patchClient(id, { expiresAt: 1 }),
      'another key': (id: number) => stage.store.patchClient(id, { vkeyHash: 'a'.repeat(64) }),
      removed: (id: number) => stage.store.removeClient(id),
    }
    for (const [why, act] of Object.entries(end)) {
      const client = stage.addClient(why)
      const { emulator, agent } = await stage.connect({ vkey: why })
      act(client.record.id)
      stage.registry.follow()
      await emulator.closed
      expect(agent.closed).toBe(true)
      await expect(NpcEmulator.connect({ port: stage.port, vkey: why })).rejects.toThrow('the key is wrong')
    }
  })

  it('tells of its targets, which are left out until it says otherwise or goes', async () => {
    const client = stage.addClient('health')
    const tunnel = stage.addTunnel(client, { mode: 'tcp', targets: ['a:1', 'b:2'], port: 20_001 })
    const { emulator } = await stage.connect({ vkey: 'health' })
    emulator.report('a:1', false)
    await expect.poll(() => tunnel.targets.down).toEqual(['a:1'])
    emulator.report('a:1', true)
    await expect.poll(() => tunnel.targets.down).toEqual([])
    emulator.report('b:2', false)
    await expect.poll(() => tunnel.targets.down).toEqual(['b:2'])
    emulator.stop()
    await expect.poll(() => tunnel.targets.down).toEqual([])
  })

  it('is closed where what it says on its conn for signals makes no sense', async () => {
    stage.addClient('nonsense')
    const main = await arrive('nonsense', 'main')
    main.socket.write(Buffer.alloc(64, 0xff))
    await main.rest()
    expect(stage.lines('session.end').at(-1)).toMatchObject({ code: 'HANDSHAKE_TOO_LONG' })
  })

  it('is told of a meeting with a peer', async () => {
    stage.addClient('meets')
    const { emulator, agent } = await stage.connect({ vkey: 'meets' })
    agent.meet!({ host: '192.0.2.1', port: 8026 }, md5('p'))
    await expect
      .poll(() => emulator.signals)
      .toEqual([{ type: 'p2p', server: '192.0.2.1:8026', passwordMd5: md5('p') }])
    emulator.stop()
  })

  it('serves its files over a mux of their own', async () => {
    stage.addClient('files')
    const { emulator, agent } = await stage.connect({
      vkey: 'files',
      onRequest: (request, response) => void response.end(`file ${request.url}`),
    })
    const stream = new Bytes(await agent.openFiles({ path: '', stripPrefix: '', visitor: VISITOR }, NEVER))
    stream.send('GET /a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(String(await stream.all())).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*file \/a\.txt$/)
    stream.close()
    emulator.stop()
    const { agent: without } = await stage.connect({ vkey: 'files' })
    await expect(
      without.openFiles({ path: '', stripPrefix: '', visitor: VISITOR }, NEVER),
    ).rejects.toMatchObject({
      code: 'COMMAND_UNSUPPORTED',
    })
    without.close('')
  })

  it('is asked for a stream by a head of these bytes', async () => {
    const client = stage.addClient('bytes')
    await arrive('bytes', 'main')
    const chan = await arrive('bytes', 'chan')
    await expect.poll(() => stage.agentOf(client)).not.toBe(undefined)
    const stream = stage.agentOf(client)!.open({ target: '10.0.0.1:80', visitor: VISITOR }, NEVER)
    const ping = await chan.take(7)
    expect(ping.subarray(0, 5)).toEqual(Buffer.from('00ffffffff', 'hex'))
    await chan.take(ping.readUInt16LE(5))
    expect((await chan.take(5)).toString('hex')).toBe('0601000000')
    chan.socket.write(Buffer.from('0101000000', 'hex'))
    const bytes = await chan.until('}}')
    const json =
      '{"ConnType":"tcp","Host":"10.0.0.1:80","Crypt":false,"Compress":false,"LocalProxy":false,' +
      '"RemoteAddr":"192.0.2.7:4711","Option":{"Timeout":5000000000}}'
    const head = Buffer.alloc(11)
    head[0] = 3
    head.writeInt32LE(1, 1)
    head.writeUInt16LE(json.length + 4, 5)
    head.writeInt32LE(json.length, 7)
    expect(bytes.subarray(-json.length - 11).toString('latin1')).toBe(`${head.toString('latin1')}${json}`)
    ;(await stream).destroy()
    chan.socket.destroy()
  })
})

describe('a program of npc while the server stops', () => {
  it('goes on until nobody uses it any more', async () => {
    await using own = await BridgeStage.openBridge()
    await using target = await openTcp((socket) => socket.pipe(socket))
    own.addClient('k')
    const { emulator, agent } = await own.connect({ vkey: 'k' })
    const stream = await openTo(agent, target.text)
    await stream.send('before').first(6)
    const stopped = own.program.stop()
    await stream.send(' after').first(12)
    stream.close()
    await emulator.closed
    await stopped
  })
})

describe('a bridge inside of TLS', () => {
  it('is the same within, and says once what it cannot protect', async () => {
    await using own = await BridgeStage.openBridge({ tls: true })
    own.addClient('k', { crypt: true })
    const { emulator, agent } = await own.connect({ vkey: 'k' })
    const stream = await openTo(agent, echo.text)
    expect(String(await stream.send('hello').first(5))).toBe('hello')
    stream.close()
    emulator.stop()
    expect(own.lines('protocol.weak')).toMatchObject([{ level: 'warn', door: 'npc-bridge', tls: true }])
    await expect(NpcEmulator.connect({ port: own.port, vkey: 'k' })).rejects.toThrow('the server has closed')
  })
})
