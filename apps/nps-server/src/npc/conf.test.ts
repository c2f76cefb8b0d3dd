import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PasswordVerifier } from '@sluice/userstore'
import { emulateStatus, NpcEmulator } from '../testing/npc-emulator.ts'
import type { LiveClient } from '../registry.ts'
import { npcHash } from '../secret-hash.ts'
import { BridgeStage } from './testing/bridge-stage.ts'
import { RawNpc } from './testing/raw-npc.ts'
import { closedPort, openEcho, type Target } from './testing/servers.ts'

let stage: BridgeStage
let echo: Target
beforeAll(async () => {
  stage = await BridgeStage.openBridge({ patienceMs: 300, hasTunnels: false })
  echo = await openEcho()
})
afterAll(async () => {
  await stage[Symbol.asyncDispose]()
  await echo[Symbol.asyncDispose]()
})

type Task = Readonly<Record<string, unknown>>
const bring = (vkey: string, ...tasks: Task[]): Promise<NpcEmulator> =>
  NpcEmulator.connect({ port: stage.port, vkey, file: { tasks } })
const lentOf = ({ tunnels, hosts }: LiveClient): object[] =>
  [...tunnels.values(), ...hosts.values()].map(({ record }) => record)
const configurable = (vkey: string): LiveClient => stage.addClient(vkey, { mayConfigure: true })
const tcp = async (more: Task = {}): Promise<Task> => ({
  ...{
    Mode: 'tcp',
    Ports: String(await closedPort()),
    ServerIp: '127.0.0.1',
    Target: { TargetStr: echo.text },
  },
  ...more,
})

describe('a program that brings tunnels of its own', () => {
  it('has them for as long as it is here', async () => {
    await using own = await BridgeStage.openBridge()
    const client = own.addClient('brings', { mayConfigure: true })
    const task = await tcp({ Remark: 'mine' })
    const { emulator } = await own.connect({ vkey: 'brings', file: { tasks: [task] } })
    await own.tunnels!.sync()
    const socket = connect(Number(task['Ports']), '127.0.0.1')
    socket.write('through')
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    expect(String(chunk)).toBe('through')
    socket.destroy()
    expect(lentOf(client)).toMatchObject([{ mode: 'tcp', remark: 'mine', targets: [echo.text] }])
    expect(own.store.tunnels()).toEqual([])
    emulator.stop()
    await expect.poll(() => lentOf(client)).toEqual([])
  })

  it('has one answer for a range of ports, and a tunnel for each of them', async () => {
    const client = configurable('range')
    const Ports = '23000-23002,23005'
    const emulator = await bring(
      'range',
      { Mode: 'tcp', Ports, Remark: 'r', TargetAddr: '10.0.0.1', Target: { TargetStr: '1-3,9' } },
      { Mode: 'udp', Ports: '23000', Target: { TargetStr: '53' } },
    )
    expect(lentOf(client)).toMatchObject([
      { port: 23_000, host: '0.0.0.0', remark: 'r_23000', targets: ['10.0.0.1:1'] },
      { port: 23_001, targets: ['10.0.0.1:2'] },
      { port: 23_002, targets: ['10.0.0.1:3'] },
      { port: 23_005, targets: ['10.0.0.1:9'] },
      { mode: 'udp', port: 23_000, targets: ['53'] },
    ])
    emulator.stop()
  })

  it('brings hosts, proxies with logins, private tunnels and folders', async () => {
    const client = configurable('all')
    const emulator = await NpcEmulator.connect({
      ...{ port: stage.port, vkey: 'all' },
      file: {
        hosts: [
          {
            Host: 'Example.ORG',
            HeaderChange: 'X-A:b:c\n',
            HostChange: 'h',
            Target: { TargetStr: 'a:1,\nb:2' },
          },
        ],
        tasks: [
          { Mode: 'socks5', Ports: '23101', MultiAccount: { AccountMap: { ada: 'secret' } } },
          { Mode: 'secret', Password: 'pw', Target: { TargetStr: '22' } },
          { Mode: 'file', Ports: '23102', LocalPath: '/srv', StripPre: '/web' },
        ],
      },
      onRequest: (_, response) => void response.end(),
    })
    const [socks, secret, file, host] = lentOf(client) as Record<string, unknown>[]
    const { logins } = socks as { logins: { name: string; hash: string }[] }
    expect([
      logins[0]!.name,
      await new PasswordVerifier().verify(logins[0]!.hash, Buffer.from('secret')),
    ]).toEqual(['ada', true])
    expect(secret).toMatchObject({ mode: 'secret', passwordHash: npcHash('pw'), targets: ['22'] })
    expect(file).toMatchObject({ mode: 'file', localPath: '/srv', stripPrefix: '/web' })
    expect(host).toMatchObject({
      ...{ host: 'example.org', location: '/', scheme: 'all', targets: ['a:1', 'b:2'] },
      ...{ hostChange: 'h', headers: [['X-A', 'b:c']] },
    })
    emulator.stop()
  })

  it.each<[string, Task]>([
    ['a mode that there is not', { Mode: 'tcpTrans', Ports: '23201' }],
    ['a port that may not be opened', { Mode: 'tcp', Ports: '80', Target: { TargetStr: '80' } }],
    ['no port', { Mode: 'tcp', Target: { TargetStr: '80' } }],
    ['too many ports', { Mode: 'tcp', Ports: '2000-60000', Target: { TargetStr: '2000-60000' } }],
    ['fewer targets than ports', { Mode: 'tcp', Ports: '23201-23202', Target: { TargetStr: '80' } }],
    ['no target', { Mode: 'tcp', Ports: '23201' }],
    ['a target that is none', { Mode: 'tcp', Ports: '23201', Target: { TargetStr: 'a b' } }],
    ['an address that is none', { Mode: 'tcp', Ports: '23201', ServerIp: 'x', Target: { TargetStr: '80' } }],
    ['a proxy for everybody', { Mode: 'socks5', Ports: '23201' }],
    ['a private tunnel without a password', { Mode: 'secret', Target: { TargetStr: '80' } }],
  ])('is told no for %s, and has nothing then', async (_, task) => {
    const client = stage.registry.byVkeyHash(npcHash('refused')) ?? configurable('refused')
    await expect(bring('refused', task)).rejects.toThrow('task is not wanted')
    expect(lentOf(client)).toEqual([])
  })

  it.each([
    ['a name that is none', { Host: 'a b', Target: { TargetStr: '80' } }],
    ['a header that is none', { Host: 'a.example', HeaderChange: 'x', Target: { TargetStr: '80' } }],
    ['a location that is none', { Host: 'a.example', Location: 'x', Target: { TargetStr: '80' } }],
  ])('is told no for a host with %s', async (_, host) => {
    const vkey = 'refused hosts'
    const client = stage.registry.byVkeyHash(npcHash(vkey)) ?? configurable(vkey)
    const coming = NpcEmulator.connect({ port: stage.port, vkey, file: { hosts: [host] } })
    await expect(coming).rejects.toThrow('host is not wanted')
    expect(lentOf(client)).toEqual([])
  })

  it('is told no where it may bring nothing, or more than it may, or what is taken', async () => {
    stage.addClient('may not')
    await expect(bring('may not', await tcp())).rejects.toThrow('task is not wanted')
    const client = stage.addClient('one', { mayConfigure: true, maxTunnels: 1 })
    const emulator = await bring('one', await tcp())
    await expect(bring('one', await tcp(), await tcp())).rejects.toThrow('task is not wanted')
    emulator.stop()
    await expect.poll(() => lentOf(client)).toEqual([])
    const port = await closedPort()
    stage.addTunnel(client, { mode: 'tcp', host: '127.0.0.1', port, targets: ['80'] })
    configurable('other')
    await expect(bring('other', await tcp({ Ports: String(port) }))).rejects.toThrow('task is not wanted')
  })

  it('is told of in the log once for each cause, without a stack', async () => {
    await using own = await BridgeStage.openBridge({ hasTunnels: false })
    const client = own.addClient('again', { mayConfigure: true })
    const again = (Ports: string): Promise<NpcEmulator> =>
      NpcEmulator.connect({ port: own.port, vkey: 'again', file: { tasks: [{ Mode: 'tcp', Ports }] } })
    for (const ports of ['1', '1', '23201', '1']) await expect(again(ports)).rejects.toThrow('not wanted')
    const told = own.lines('conf.refused')
    expect(told.map(({ why }) => why)).toEqual(['no target'])
    expect(told[0]).toMatchObject({ client: client.record.id, what: 'task', code: 'RECORD_VALUE', times: 1 })
    expect(told[0]).not.toHaveProperty('err')
  })

  it('loses all where it does not come itself in time', async () => {
    const client = configurable('late')
    await expect(bring('late', await tcp(), { Mode: 'none' })).rejects.toThrow('task is not wanted')
    expect(lentOf(client)).toHaveLength(1)
    await expect.poll(() => lentOf(client)).toEqual([])
  })

  it('takes its own ports over where it comes again before its end was seen', async () => {
    const client = configurable('again')
    const task = await tcp()
    const first = await bring('again', task)
    await expect.poll(() => stage.agentOf(client)).not.toBe(undefined)
    const second = await bring('again', task)
    await first.closed
    await expect.poll(() => stage.agentOf(client)).not.toBe(undefined)
    expect(lentOf(client)).toMatchObject([{ port: Number(task['Ports']) }])
    second.stop()
    await expect.poll(() => lentOf(client)).toEqual([])
  })

  it('hears of what runs for its own key, and for no other', async () => {
    const client = configurable('status')
    const emulator = await bring('status', await tcp({ Remark: 'web' }), await tcp())
    const options = { port: stage.port, vkey: 'status' }
    expect(await emulateStatus(options)).toEqual(['web'])
    configurable('curious')
    expect(await emulateStatus({ ...options, vkey: 'curious' }, 'status')).toEqual([])
    // Who only asks takes nothing away.
    expect(lentOf(client)).toHaveLength(2)
    emulator.stop()
  })

  it('is cut off where it says what makes no sense', async () => {
    configurable('nonsense')
    const raw = await RawNpc.arrive({ host: '127.0.0.1', port: stage.port }, 'nonsense', 'conf')
    expect(await raw.take(1)).toEqual(Buffer.of(0))
    raw.socket.write('task\xff\xff\xff\x7f')
    await raw.rest()
    expect(stage.lines('session.end').at(-1)).toMatchObject({
      protocol: 'npc-conf',
      code: 'HANDSHAKE_TOO_LONG',
    })
  })

  it('is cut off where it does not end in time', async () => {
    await using own = await BridgeStage.openBridge({ confMs: 300, hasTunnels: false })
    own.addClient('slow', { mayConfigure: true })
    const raw = await RawNpc.arrive({ host: '127.0.0.1', port: own.port }, 'slow', 'conf')
    expect(await raw.take(1)).toEqual(Buffer.of(0))
    raw.socket.write('stus')
    expect(await raw.rest()).toBe('')
    await expect
      .poll(() => own.lines('session.end').at(-1))
      .toMatchObject({ protocol: 'npc-conf', code: 'HANDSHAKE_TIMEOUT' })
  })
})
