import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NpcEmulator } from '../testing/npc-emulator.ts'
import { npcHash } from '../secret-hash.ts'
import { BridgeStage } from './testing/bridge-stage.ts'
import { openEcho, openTcp, type Target } from './testing/servers.ts'

const MIB = 1024 * 1024

let stage: BridgeStage
let echo: Target
beforeAll(async () => {
  stage = await BridgeStage.openBridge({ argv: ['--auth-failures', '0'] })
  stage.addClient('visitor')
  echo = await openEcho()
})
afterAll(async () => {
  await stage[Symbol.asyncDispose]()
  await echo[Symbol.asyncDispose]()
})

const visit = (vkey: string, password: string): Promise<Duplex> =>
  NpcEmulator.visit({ port: stage.port, vkey }, password)
/** All that comes, or the first so many bytes. */
const allOf = async (socket: Duplex, most = Infinity): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
    if (size >= most) break
  }
  return Buffer.concat(chunks)
}

describe('a visitor of a private tunnel', () => {
  it.each([
    ['in clear', {}],
    ['encrypted', { crypt: true }],
    ['compressed', { compress: true }],
  ])('is led to the target, %s, and what is counted is payload, as of any visitor', async (name, fields) => {
    const owner = stage.addClient(name, fields)
    const tunnel = stage.addTunnel(owner, {
      ...{ mode: 'secret', targets: [echo.text], passwordHash: npcHash(name) },
    })
    const { emulator } = await stage.connect({ vkey: name })
    const socket = await visit('visitor', name)
    const sent = randomBytes(MIB)
    const back = allOf(socket, MIB)
    socket.write(sent)
    expect((await back).equals(sent)).toBe(true)
    socket.end()
    await expect
      .poll(() => stage.lines('session.end').at(-1))
      .toMatchObject({
        ...{ protocol: 'npc-secret', code: 'OK', target: echo.text, up: MIB, down: MIB },
      })
    const counted = { inlet: MIB, export: MIB }
    expect(stage.registry.flowOf('tunnel', tunnel.record.id)).toEqual(counted)
    expect(stage.registry.flowOf('client', owner.record.id)).toEqual(counted)
    emulator.stop()
  })

  it('is held to the limits of tunnel and client: no way leads around them', async () => {
    const limits = { connections: 1 }
    for (const limited of ['client', 'tunnel']) {
      const owner = stage.addClient(limited, limited === 'client' ? { limits } : {})
      stage.addTunnel(owner, {
        ...{ mode: 'secret', targets: [echo.text], passwordHash: npcHash(limited) },
        ...(limited === 'tunnel' && { limits }),
      })
      const { emulator } = await stage.connect({ vkey: limited })
      const first = await visit(limited, limited)
      first.write('x')
      await new Promise((resolve) => first.once('readable', resolve))
      const second = await visit(limited, limited)
      await expect(allOf(second)).rejects.toMatchObject({ code: 'ECONNRESET' })
      expect(stage.lines('session.end').at(-1)).toMatchObject({ code: 'CONNECTION_LIMIT' })
      first.destroy()
      emulator.stop()
    }
  })

  it('is cut at the quota while the stream goes on', async () => {
    await using pouring = await openTcp((socket) => {
      const more = (): void => {
        while (socket.write(Buffer.alloc(65_536)));
      }
      socket.on('drain', more)
      more()
    })
    const quotaBytes = 3 * MIB
    const owner = stage.addClient('poor', { limits: { quotaBytes } })
    stage.addTunnel(owner, { mode: 'secret', targets: [pouring.text], passwordHash: npcHash('poor') })
    const { emulator } = await stage.connect({ vkey: 'poor' })
    await allOf(await visit('poor', 'poor')).catch(() => {})
    await expect.poll(() => stage.lines('session.end').at(-1)).toMatchObject({ code: 'QUOTA_EXCEEDED' })
    const { down } = stage.lines('session.end').at(-1) as { down: number }
    expect(down).toBeGreaterThanOrEqual(quotaBytes)
    expect(down).toBeLessThanOrEqual(quotaBytes + 65_536)
    emulator.stop()
  })

  it('reaches nothing but private tunnels: no password, and no ordinary tunnel', async () => {
    const owner = stage.addClient('plain')
    stage.addTunnel(owner, { mode: 'tcp', targets: [echo.text], port: 20_011 })
    const { emulator } = await stage.connect({ vkey: 'plain' })
    for (const password of ['', 'guess']) {
      expect(await allOf(await visit('plain', password))).toHaveLength(0)
      await expect.poll(() => stage.lines('session.end').at(-1)).toMatchObject({ code: 'AUTH_FAILED' })
    }
    emulator.stop()
  })

  it('is led to a p2p tunnel too, as npc wants where it does not get through to its peer', async () => {
    const owner = stage.addClient('peer')
    stage.addTunnel(owner, { mode: 'p2p', targets: [echo.text], passwordHash: npcHash('peer') })
    const { emulator } = await stage.connect({ vkey: 'peer' })
    const socket = await visit('peer', 'peer')
    socket.write('hello')
    expect(String(await allOf(socket, 5))).toBe('hello')
    socket.destroy()
    emulator.stop()
  })

  it('may come only from where the lists of tunnel and client let visitors in', async () => {
    const owner = stage.addClient('listed', { deny: ['127.0.0.1'] })
    stage.addTunnel(owner, { mode: 'secret', targets: [echo.text], passwordHash: npcHash('listed') })
    // It may come before the verdict was read.
    const visiting = visit('listed', 'listed').then((socket) => allOf(socket))
    await expect(visiting).rejects.toMatchObject({ code: 'ECONNRESET' })
    await expect.poll(() => stage.lines('session.end').at(-1)).toMatchObject({ code: 'VISITOR_DENIED' })
  })

  it('is turned away while nobody of the owner is connected', async () => {
    const owner = stage.addClient('away')
    stage.addTunnel(owner, { mode: 'secret', targets: [echo.text], passwordHash: npcHash('away') })
    await expect(allOf(await visit('away', 'away'))).rejects.toMatchObject({ code: 'ECONNRESET' })
    await expect.poll(() => stage.lines('session.end').at(-1)).toMatchObject({ code: 'AGENT_OFFLINE' })
  })

  it('has to wait who guesses passwords, though each time with a key that is right', async () => {
    await using own = await BridgeStage.openBridge({ argv: ['--auth-failures', '2'] })
    own.addClient('guesser')
    const options = { port: own.port, vkey: 'guesser' }
    for (let i = 0; i < 2; i++) await allOf(await NpcEmulator.visit(options, `guess ${i}`))
    await expect(NpcEmulator.visit(options, 'guess')).rejects.toThrow('the server has closed')
    await expect.poll(() => own.lines('session.end').at(-1)).toMatchObject({ code: 'AUTH_LIMIT' })
  })
})

describe('a program that registers its address', () => {
  it('is thanked, and noted', async () => {
    const client = stage.addClient('registers')
    await NpcEmulator.register({ port: stage.port, vkey: 'registers' }, 5)
    expect(stage.lines('address.registered')).toMatchObject([{ client: client.record.id, hours: 5 }])
  })

  it('may visit from there, where its client takes nobody else', async () => {
    const owner = stage.addClient('strict', { registeredOnly: true })
    stage.addTunnel(owner, { mode: 'secret', targets: [echo.text], passwordHash: npcHash('strict') })
    const { emulator } = await stage.connect({ vkey: 'strict' })
    stage.addClient('stranger')
    await NpcEmulator.register({ port: stage.port, vkey: 'stranger' }, 5)
    const early = visit('strict', 'strict').then((socket) => allOf(socket))
    await expect(early).rejects.toMatchObject({ code: 'ECONNRESET' })
    await expect.poll(() => stage.lines('session.end').at(-1)).toMatchObject({ code: 'VISITOR_DENIED' })
    await NpcEmulator.register({ port: stage.port, vkey: 'strict' }, 5)
    const visitor = await visit('strict', 'strict')
    visitor.write('x')
    await new Promise((resolve) => visitor.once('readable', resolve))
    visitor.destroy()
    emulator.stop()
  })
})
