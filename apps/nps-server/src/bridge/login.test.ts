import { once } from 'node:events'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import {
  connect as connectSecure,
  type ConnectionOptions,
  createServer as createSecure,
  type TLSSocket,
} from 'node:tls'
import { createPrivateKey, sign } from 'node:crypto'
import { createDial, identityCertificate } from '@sluice/net'
import { Collector } from '@sluice/net/testing'
import { freshIdentityKey } from '@sluice/service'
import {
  BRIDGE_ALPN,
  BRIDGE_EXPORTER_LABEL,
  BRIDGE_VERDICT,
  type BridgeInfo,
  clientTranscript,
  decodeBridgeChallenge,
  encodeBridgeLogin,
} from '@sluice/wire/bridge'
import { afterEach, describe, expect, it } from 'vitest'
import { type Admitted, connectBridge } from '../client/client-login.ts'
import { TestBridge, type TestBridgeOptions } from '../testing/test-bridge.ts'
import { clientKeys, type Enrolment, makeSecret } from './index.ts'

const info: BridgeInfo = { role: 'serve', version: '1', host: 'laptop', os: 'test', instance: 'a'.repeat(32) }
const dial = createDial({ policy: { check: () => {} } })

describe('the login at the bridge', () => {
  const bridges: TestBridge[] = []
  const conns: { destroy(): unknown }[] = []
  const servers: Server[] = []
  afterEach(async () => {
    for (const conn of conns.splice(0)) conn.destroy()
    for (const server of servers.splice(0)) server.close()
    for (const bridge of bridges.splice(0)) await bridge[Symbol.asyncDispose]()
  })

  const open = async (options: TestBridgeOptions = {}): Promise<TestBridge> => {
    const bridge = await TestBridge.open(options)
    bridges.push(bridge)
    return bridge
  }

  const login = async (
    { server, fingerprint, secret }: Enrolment,
    more: Partial<BridgeInfo> = {},
  ): Promise<Admitted> => {
    const parts = { dial, keys: clientKeys(secret), fingerprint, info: { ...info, ...more } }
    const admitted = await connectBridge(server[0]!, parts, AbortSignal.timeout(20_000))
    conns.push(admitted.conn)
    return admitted
  }

  const plain = async ({ address }: TestBridge): Promise<Socket> => {
    const socket = connect(address).on('error', () => {})
    conns.push(socket)
    await once(socket, 'connect')
    return socket
  }

  const secure = async ({ address }: TestBridge, options: ConnectionOptions = {}): Promise<TLSSocket> => {
    const socket = connectSecure({
      ...{ ...address, rejectUnauthorized: false, ALPNProtocols: [BRIDGE_ALPN] },
      ...options,
    })
    conns.push(socket.on('error', () => {}))
    await once(socket, 'secureConnect')
    return socket
  }

  it('lets in whoever has the secret, and tells the terms', async () => {
    const { client, enrolment } = (await open()).enrol()
    const { conn, terms } = await login(enrolment)
    expect(terms).toEqual({ client: client.record.id, pingMs: 5000, deadMs: 15_000, maxStreams: 4096 })
    await expect
      .poll(() => client.agents.all)
      .toMatchObject([{ version: '1', kind: 'native', closed: false }])
    conn.destroy()
    await expect.poll(() => client.agents.all).toEqual([])
  })

  it('refuses a secret that is nobody’s', async () => {
    const bridge = await open()
    const { enrolment } = bridge.enrol()
    await expect(login({ ...enrolment, secret: makeSecret() })).rejects.toMatchObject({
      code: 'BRIDGE_REFUSED',
      message: expect.stringContaining('AUTH_FAILED'),
    })
    expect(await bridge.journal.end({ nth: 0 })).toMatchObject({ code: 'AUTH_FAILED' })
  })

  it('answers a wrong signature as it does a key that is nobody’s', async () => {
    const bridge = await open()
    const { enrolment } = bridge.enrol()
    const others = clientKeys(makeSecret()).privateKey
    const answers: string[] = []
    for (const publicKey of [clientKeys(enrolment.secret).publicKey, clientKeys(makeSecret()).publicKey]) {
      const parts = {
        dial,
        keys: { publicKey, privateKey: others },
        fingerprint: enrolment.fingerprint,
        info,
      }
      await connectBridge(bridge.address, parts, AbortSignal.timeout(20_000)).catch((error: Error) =>
        answers.push(error.message),
      )
    }
    expect(answers).toHaveLength(2)
    expect(answers[0]).toBe(answers[1])
  })

  it('lets so many programs of one client in, and one in the place of itself', async () => {
    const bridge = await open({ programs: 2 })
    const { enrolment, client } = bridge.enrol()
    const first = await login(enrolment)
    await login(enrolment, { instance: 'b'.repeat(32) })
    const late = { instance: 'c'.repeat(32) }
    await expect(login(enrolment, late)).rejects.toMatchObject({
      code: 'BRIDGE_NOT_NOW',
      message: expect.stringContaining('AGENT_LIMIT'),
    })
    expect(await bridge.journal.end({ nth: 0 })).toMatchObject({ code: 'AGENT_LIMIT', up: 0, down: 0 })
    await login(bridge.enrol().enrolment, late)
    await login(enrolment, { instance: 'b'.repeat(32) })
    first.conn.destroy()
    await expect.poll(() => client.agents.all.length).toBe(1)
    await login(enrolment, late)
  })

  it('lets a client in that was added a moment ago', async () => {
    const bridge = await open({ patienceMs: 20_000 })
    const { enrolment, client } = bridge.enrol()
    bridge.registry.clients.delete(client.record.id)
    const coming = login(enrolment)
    await expect.poll(() => bridge.program.sessions.size).toBe(1)
    bridge.registry.clients.set(client.record.id, client)
    bridge.registry.tell()
    await coming
  })

  it('gives whoever fails again and again no more answers, and lets others of that address in', async () => {
    const bridge = await open({ argv: ['--auth-failures', '2'] })
    const { enrolment } = bridge.enrol()
    const wrong = { ...enrolment, secret: makeSecret() }
    const codes: string[] = []
    for (let i = 0; i < 4; i += 1)
      await login(wrong).catch((error: { code: string }) => codes.push(error.code))
    expect(codes.slice(0, 2)).toEqual(['BRIDGE_REFUSED', 'BRIDGE_REFUSED'])
    expect(codes.at(-1)).toBe('BRIDGE_LOST')
    expect(await bridge.journal.end({ nth: 3 })).toMatchObject({ code: 'AUTH_LIMIT' })
    await login(enrolment)
  })

  it('tells a client that is disabled, or has expired, that it may come later', async () => {
    const bridge = await open()
    for (const [fields, code] of [
      [{ enabled: false }, 'USER_DISABLED'],
      [{ expiresAt: 1 }, 'USER_EXPIRED'],
    ] as const) {
      const { enrolment } = bridge.enrol(fields)
      await expect(login(enrolment)).rejects.toMatchObject({
        code: 'BRIDGE_NOT_NOW',
        message: expect.stringContaining(code),
      })
    }
  })

  it('tells so a client whose user is disabled, and cuts those that are here', async () => {
    const bridge = await open({ users: [{ name: 'ada' }] })
    const userId = (await bridge.program.store.list()).users[0]!.id
    const { client, enrolment } = bridge.enrol({ userId })
    const { conn } = await login(enrolment)
    const end = new Collector(conn)
    await expect.poll(() => client.agents.all.length).toBe(1)
    const ada = bridge.registry.ownerOf(client)
    ada.update({ ...ada.user, enabled: false }, Date.now())
    await end.until(() => end.has('end') || end.has('break'))
    expect(client.agents.all).toEqual([])
    await expect(login(enrolment)).rejects.toMatchObject({ code: 'BRIDGE_NOT_NOW' })
  })

  it.each([
    ['is disabled', 'USER_DISABLED', { enabled: false }],
    ['has another key', 'CREDENTIAL_CHANGED', { publicKey: clientKeys(makeSecret()).publicKey }],
  ])('cuts the programs of a client that %s now', async (_what, code, fields) => {
    const bridge = await open()
    const { client, enrolment } = bridge.enrol()
    await login(enrolment)
    await expect.poll(() => client.agents.all.length).toBe(1)
    bridge.registry.patch(client, fields)
    expect(await bridge.journal.end({ nth: 0 })).toMatchObject({ code })
    expect(client.agents.all).toEqual([])
  })

  it('has the newer conn of one program take the place of the older, and another program stand beside it', async () => {
    const bridge = await open()
    const { client, enrolment } = bridge.enrol()
    const older = new Collector((await login(enrolment)).conn)
    await expect.poll(() => client.agents.all.length).toBe(1)
    const first = client.agents.all[0]
    await login(enrolment)
    await older.until(() => older.has('end') || older.has('break'))
    expect(await bridge.journal.end({ nth: 0 })).toMatchObject({ code: 'REPLACED' })
    expect(client.agents.all).toHaveLength(1)
    expect(client.agents.all[0]).not.toBe(first)
    await login(enrolment, { instance: 'b'.repeat(32) })
    await expect.poll(() => client.agents.all.length).toBe(2)
  })

  it('does not miss a silent peer', async () => {
    const bridge = await open({ deadMs: 300 })
    const { client, enrolment } = bridge.enrol()
    const { conn } = await login(enrolment)
    conn.pause()
    await expect.poll(() => client.agents.all.length).toBe(1)
    expect(await bridge.journal.end({ nth: 0 })).toMatchObject({ code: 'AGENT_LOST' })
    expect(client.agents.all).toEqual([])
  })

  it('is of no use to who stands in between, with whatever key', async () => {
    const bridge = await open()
    const { client, enrolment } = bridge.enrol()
    for (const key of [freshIdentityKey(), bridge.identity]) {
      const server = createSecure({
        ...identityCertificate(createPrivateKey(key.privateKeyPem)),
        ALPNProtocols: [BRIDGE_ALPN],
      })
      servers.push(server)
      const join = async (near: TLSSocket): Promise<void> => {
        conns.push(near.on('error', () => {}))
        const far = await secure(bridge)
        near.pipe(far).pipe(near)
      }
      server.on('secureConnection', (near) => void join(near))
      await once(server.listen(0, '127.0.0.1'), 'listening')
      const between = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
      await expect(login({ ...enrolment, server: [between] })).rejects.toMatchObject({
        code: 'BRIDGE_SERVER',
      })
    }
    expect(client.agents.all).toEqual([])
  })

  it('cannot be said again on another conn', async () => {
    const bridge = await open()
    const { client, enrolment } = bridge.enrol()
    const { publicKey, privateKey } = clientKeys(enrolment.secret)
    const said = async (socket: TLSSocket, bytes?: Buffer): Promise<{ bytes: Buffer; verdict: number }> => {
      const [first] = (await once(socket, 'data')) as [Buffer]
      const { value: challenge } = decodeBridgeChallenge(first)!
      const unsigned = {
        publicKey: Buffer.from(publicKey, 'base64url'),
        nonce: Buffer.alloc(32),
        info: JSON.stringify(info),
      }
      const keying = socket.exportKeyingMaterial(32, BRIDGE_EXPORTER_LABEL, undefined as unknown as Buffer)
      const signature = sign(null, clientTranscript(challenge, unsigned, keying), privateKey)
      const mine = bytes ?? Buffer.from(encodeBridgeLogin({ ...unsigned, signature }))
      socket.write(mine)
      const [answer] = (await once(socket, 'data')) as [Buffer]
      return { bytes: mine, verdict: answer[0]! }
    }
    const first = await said(await secure(bridge))
    expect(first.verdict).toBe(BRIDGE_VERDICT.OK)
    await expect.poll(() => client.agents.all.length).toBe(1)
    expect((await said(await secure(bridge), first.bytes)).verdict).toBe(BRIDGE_VERDICT.AUTH_FAILED)
    expect(client.agents.all).toHaveLength(1)
  })

  it.each([
    ['HTTP', (socket: Socket) => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), 'TLS_FAILED'],
    ['noise', (socket: Socket) => socket.write(Buffer.alloc(2000, 0xa5)), 'TLS_FAILED'],
    ['nothing', (socket: Socket) => socket.end(), /^(CLIENT_CLOSED|CLIENT_RESET|TLS_FAILED)$/],
  ])('ends a scanner that speaks %s', async (_what, speak, code) => {
    const bridge = await open()
    const socket = await plain(bridge)
    speak(socket)
    socket.resume()
    await once(socket, 'close')
    const end = await bridge.journal.end({ nth: 0 })
    if (typeof code === 'string') expect(end.code).toBe(code)
    else expect(end.code).toMatch(code)
  })

  it.each([
    ['HTTP', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'HANDSHAKE_INVALID'],
    ['noise', Buffer.alloc(2000, 0xa5), 'HANDSHAKE_INVALID'],
    [
      'a login that is too long',
      Buffer.concat([Buffer.of(1), Buffer.alloc(64), Buffer.alloc(9, 0xff)]),
      'HANDSHAKE_TOO_LONG',
    ],
    [
      'a login without info',
      Buffer.concat([
        Buffer.of(1),
        Buffer.alloc(64),
        Buffer.from('0002', 'hex'),
        Buffer.from('{}'),
        Buffer.alloc(64),
      ]),
      'HANDSHAKE_INVALID',
    ],
  ])('ends a scanner over TLS that speaks %s, without a word', async (_what, bytes, code) => {
    const bridge = await open()
    const socket = await secure(bridge)
    const [challenge] = (await once(socket, 'data')) as [Buffer]
    expect(challenge.subarray(0, 11)).toEqual(Buffer.from('sluice-nps\x01'))
    const more: Buffer[] = []
    socket.on('data', (chunk: Buffer) => more.push(chunk))
    socket.write(bytes)
    await once(socket, 'close')
    expect(more).toEqual([])
    expect(await bridge.journal.end({ nth: 0 })).toMatchObject({ code })
  })

  it('speaks no other protocol over TLS, and no older TLS', async () => {
    const bridge = await open()
    await expect(secure(bridge, { ALPNProtocols: ['h2', 'http/1.1'] })).rejects.toThrow(
      /disconnected|no application protocol|ECONNRESET/,
    )
    expect(await bridge.journal.end({ nth: 0 })).toMatchObject({ code: 'TLS_FAILED' })
    const { enrolment } = bridge.enrol()
    const old = await secure(bridge, { maxVersion: 'TLSv1.2' })
    await once(old, 'data')
    old.write(
      Buffer.concat([
        Buffer.of(1),
        Buffer.alloc(64),
        Buffer.from('0002', 'hex'),
        Buffer.from('{}'),
        Buffer.alloc(64),
      ]),
    )
    await once(old, 'close')
    expect(await bridge.journal.end({ nth: 1 })).toMatchObject({ code: 'TLS_FAILED' })
    await login(enrolment)
  })

  it('has a deadline', async () => {
    const bridge = await open({ argv: ['--handshake-timeout', '200ms'] })
    const socket = await secure(bridge)
    socket.resume()
    await once(socket, 'close')
    expect(await bridge.journal.end({ nth: 0 })).toMatchObject({ code: 'HANDSHAKE_TIMEOUT' })
  })
})
