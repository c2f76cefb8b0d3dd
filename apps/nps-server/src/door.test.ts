import { createHash } from 'node:crypto'
import { type Conn, createDial } from '@sluice/net'
import { Collector } from '@sluice/net/testing'
import { ConfigError, storeUrl } from '@sluice/service'
import { TestClient } from '@sluice/service/testing'
import { openStore } from '@sluice/userstore'
import { openDatabase } from '@sluice/userstore/sqlite'
import type { Address } from '@sluice/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NewTunnel } from './records.ts'
import type { LiveClient, LiveTunnel } from './registry.ts'
import { recordsFile } from './store/record-store.ts'
import { freePort, OWN_HOST } from './testing/own-loopback.ts'
import { TestProgram } from './testing/test-program.ts'
import { echo, openTarget } from './testing/test-tunnels.ts'
import { UdpClient } from './testing/udp-client.ts'

let running: TestProgram
let echoing: Awaited<ReturnType<typeof openTarget>>

beforeAll(async () => {
  running = await TestProgram.open([{ name: 'ada', password: 'p', limits: { quotaBytes: 100_000 } }])
  echoing = await openTarget(echo)
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  echoing[Symbol.dispose]()
})

/** Open, as the log says. */
const addTunnel = async (
  client: LiveClient,
  input: Omit<NewTunnel, 'clientId' | 'logins'>,
): Promise<Address & { tunnel: LiveTunnel }> => {
  const address = input.mode === 'secret' ? { host: '', port: 0 } : { host: OWN_HOST, port: freePort() }
  const fields = input.mode === 'secret' ? input : { ...input, ...address }
  const { id } = await running.door.manager.addTunnel({ ...fields, clientId: client.record.id }, 'test')
  await expect.poll(() => running.door.registry.tunnels.get(id)).toBeDefined()
  const isOpen = (): boolean => running.journal.lines.some((line) => line.includes(`"tunnel":${id},`))
  if (input.mode !== 'secret') await expect.poll(isOpen).toBe(true)
  return { ...address, tunnel: running.door.registry.tunnels.get(id)! }
}
const says = async (at: Address, text: string): Promise<TestClient> => {
  const client = await TestClient.connect(at, { half: true })
  client.send(Buffer.from(text))
  await client.take(text.length)
  return client
}

describe('nps-server', () => {
  it('carries on while another program keeps its records locked, and books what passed afterwards', async () => {
    const { client } = await running.addClient()
    const tcp = await addTunnel(client, { mode: 'tcp', targets: [String(echoing.port)] })
    const other = openDatabase(recordsFile(running.data), 0, () => {})
    other.exec('BEGIN IMMEDIATE')
    const visitor = await says(tcp, 'hello')
    const { id } = tcp.tunnel.record
    const begun = performance.now()
    await expect(running.door.manager.resetFlow('tunnel', id, 'test')).rejects.toMatchObject({
      code: 'STORE_BUSY',
    })
    // Whoever waits for a lock keeps all else waiting.
    expect(performance.now() - begun).toBeLessThan(1000)
    other.exec('ROLLBACK')
    other.close()
    visitor.finish()
    expect(String(await visitor.lastWords())).toBe('hello')
    expect(running.door.registry.flowOf('tunnel', id)).toEqual({ inlet: 5, export: 5 })
  })

  it('leads visitors of tunnels through the programs of clients, and books what passes', async () => {
    const { client } = await running.addClient()
    const tcp = await addTunnel(client, { mode: 'tcp', targets: [String(echoing.port)] })
    const visitor = await says(tcp, 'hello')
    visitor.finish()
    expect(String(await visitor.lastWords())).toBe('hello')
    const { id } = tcp.tunnel.record
    expect(await running.journal.end(visitor)).toMatchObject({
      door: 'tunnel',
      tunnel: id,
      code: 'OK',
      up: 5,
      down: 5,
    })
    using answering = await UdpClient.echo()
    using asking = await UdpClient.open()
    const udp = await addTunnel(client, { mode: 'udp', targets: [String(answering.address.port)] })
    expect(String(await asking.ask('datagram', udp))).toBe('datagram')
    const { registry } = running.door
    expect(registry.flowOf('tunnel', id)).toEqual({ inlet: 5, export: 5 })
    expect(registry.flowOf('tunnel', udp.tunnel.record.id)).toEqual({ inlet: 8, export: 8 })
    expect(registry.flowOf('client', client.record.id)).toEqual({ inlet: 13, export: 13 })
  })

  it('tells of a visitor that the program of the client was lost, where that is why the target is gone', async () => {
    const dial = createDial({ policy: { check: () => {} } })
    let carrier: Conn | undefined
    const { client } = await running.addClient(
      {},
      { dial: async (...asked) => (carrier = await dial(...asked)) },
    )
    const tunnel = await addTunnel(client, { mode: 'tcp', targets: [echoing.text] })
    const visitor = await says(tunnel, 'hello')
    carrier!.destroy()
    expect(await running.journal.end(visitor)).toMatchObject({
      tunnel: tunnel.tunnel.record.id,
      clientId: client.record.id,
      code: 'AGENT_LOST',
    })
  })

  it('counts for the user whose client it is, and holds their quota', async () => {
    const { client } = await running.addClient({ user: 'ada' })
    const tunnel = await addTunnel(client, { mode: 'tcp', targets: [echoing.text] })
    const visitor = await TestClient.connect(tunnel)
    visitor.send(Buffer.alloc(200_000))
    expect(await running.journal.end(visitor)).toMatchObject({ user: 'ada', code: 'QUOTA_EXCEEDED' })
    expect(running.program.directory.byName('ada')?.used).toBe(100_000)
  })

  it('shows in its metrics what passed by which door', async () => {
    const { host, port } = running.ops
    const response = await fetch(`http://${host}:${port}/metrics`)
    const metrics = await response.text()
    expect(metrics).toMatch(/sluice_sessions_total\{door="tunnel",code="OK"\} \d/)
    expect(metrics).toMatch(/sluice_datagrams_total\{door="tunnel",direction="up"\} \d/)
  })

  it('takes a client program to a secret tunnel of another, by its password', async () => {
    const { client } = await running.addClient()
    const { remote: visiting } = await running.addClient()
    const { id } = await running.door.manager.addTunnel(
      { clientId: client.record.id, mode: 'secret', targets: [echoing.text], password: 'open sesame' },
      'test',
    )
    await expect.poll(() => running.door.registry.tunnels.get(id)).toBeDefined()
    const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
    const { signal } = new AbortController()
    const conn = await visiting.visit(md5('open sesame'), signal)
    const got = new Collector(conn)
    conn.write(Buffer.from('secret'))
    conn.end()
    await got.until(() => got.has('end'))
    expect(got.text).toBe('secret')
    await expect.poll(() => running.door.registry.flowOf('tunnel', id)).toEqual({ inlet: 6, export: 6 })
    await expect
      .poll(() => running.journal.lines.find((line) => line.includes('"protocol":"secret"')))
      .toContain(`"tunnel":${id},"clientId":${client.record.id},`)
    await expect(visiting.visit(md5('open barley'), signal)).rejects.toMatchObject({ code: 'VISITOR_DENIED' })
    await running.door.manager.patchTunnel(id, { enabled: false }, 'test')
    await expect
      .poll(() => visiting.visit(md5('open sesame'), signal).catch((error: { code: string }) => error.code))
      .toBe('USER_DISABLED')
  })

  it('finds a user who was added, renamed or removed just now by another program', async () => {
    const { manager } = running.door
    const users = await openStore(storeUrl({ data: running.data, store: undefined }))
    const { id } = await users.add({ name: 'grace' })
    expect((await manager.addClient({ user: 'grace' }, 'test')).client.userId).toBe(id)
    await users.remove('grace')
    await expect(manager.addClient({ user: 'grace' }, 'test')).rejects.toMatchObject({ code: 'RECORD_VALUE' })
    const again = await users.add({ name: 'grace' })
    expect((await manager.addClient({ user: 'grace' }, 'test')).client.userId).toBe(again.id)
    await users.close()
  })

  it('wants files in pairs', async () => {
    for (const argv of [
      ['--https', '127.0.0.1:0', '--https-cert', 'a.pem'],
      ['--https-cert', 'a.pem', '--https-key', 'b.pem'],
    ]) {
      await expect(TestProgram.open([], ...argv)).rejects.toThrow(ConfigError)
    }
  })
})
