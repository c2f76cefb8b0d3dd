import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { credentials, loadPackageDefinition, status } from '@grpc/grpc-js'
import { fromJSON, loadSync } from '@grpc/proto-loader'
import { encodeSocksAddress } from '@sluice/wire'
import {
  encodeSsRequest,
  sealDatagram,
  type SsKey,
  ssKey,
  ssMethod,
  SsPacketClient,
} from '@sluice/wire/shadowsocks'
import { describe, it, vi } from 'vitest'
import { ServerTls } from '../remote/server-tls.ts'
import { CERTIFICATE, CERTIFICATE_KEY } from '../remote/testing/certificate.ts'
import { ssPackage } from './descriptor.ts'
import ssJson from './ss.proto.json' with { type: 'json' }
import { TestGrpc } from './testing/test-grpc.ts'

const TOKEN = 'a-token-of-24-characters'
const TARGET = { host: 'example.com', port: 80 }
const definition = ssPackage()

type Method = {
  requestSerialize(value: object): Buffer
  responseDeserialize(bytes: Buffer): Record<string, unknown>
}

/** One call, with messages as objects. */
const call = async (grpc: TestGrpc, name: string, request: object): Promise<Record<string, unknown>> => {
  const method = (definition['aioshadowsocks.ss'] as unknown as Record<string, Method>)[name]!
  const bytes = method.requestSerialize(request).toString('hex')
  const answer = await grpc.client.call(`/aioshadowsocks.ss/${name}`, bytes)
  return method.responseDeserialize(Buffer.from(answer, 'hex'))
}

const keyOf = (method: string, secret: string): SsKey => ssKey(ssMethod(method)!, secret)
const base64 = (bytes: number): string => randomBytes(bytes).toString('base64')

describe('ss.proto', () => {
  // To make the one from the other: protobufjs.parse(text, { keepCase: true }).root.toJSON()
  it('says what its JSON says', ({ expect }) => {
    const path = fileURLToPath(new URL('ss.proto', import.meta.url))
    const bytesOf = (loaded: object): string[] =>
      Object.values(loaded as Record<string, { fileDescriptorProtos?: Buffer[] }>)
        .flatMap(({ fileDescriptorProtos = [] }) => fileDescriptorProtos)
        .map((bytes) => bytes.toString('hex'))
    expect(bytesOf(loadSync(path, { keepCase: true }))).toEqual(
      bytesOf(fromJSON(ssJson as object, { keepCase: true })),
    )
  })
})

describe.concurrent('gRPC', () => {
  it('wants the token, where there is one', async ({ expect }) => {
    await using grpc = await TestGrpc.open({ token: TOKEN, client: { token: `${TOKEN}x` } })
    const code = status.UNAUTHENTICATED
    for (const name of ['CreateUser', 'ListUser', 'DecryptData']) {
      await expect(call(grpc, name, { user_id: 1 })).rejects.toMatchObject({ code })
    }
    await expect(grpc.client.stream('/aioshadowsocks.ss/HealthCheck', '')).rejects.toMatchObject({ code })
    expect(await grpc.client.begin('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo')).toBe(code)
    await using open = await TestGrpc.open({ token: TOKEN, client: { token: TOKEN } })
    expect(await call(open, 'ListUser', {})).toMatchObject({ data: [] })
  })

  it('speaks TLS', async ({ expect }) => {
    const tls = new ServerTls({ cert: CERTIFICATE, key: CERTIFICATE_KEY })
    await using grpc = await TestGrpc.open({
      tls,
      client: { credentials: credentials.createSsl(Buffer.from(CERTIFICATE)) },
    })
    expect(await call(grpc, 'ListUser', {})).toMatchObject({ data: [] })
  })

  it('ends calls that take too long', async ({ expect }) => {
    await using grpc = await TestGrpc.open({ deadlineMs: 30 })
    expect(await grpc.client.begin('/aioshadowsocks.ss/CreateUser')).toBe(status.DEADLINE_EXCEEDED)
    // Whose port is never opened.
    await grpc.test.register.add('grpc', { name: 'ss-1' })
    await expect(call(grpc, 'InitUserServer', { user_id: 1 })).rejects.toMatchObject({
      code: status.DEADLINE_EXCEEDED,
    })
    expect(grpc.failures).toEqual([])
  })

  it('takes no message over 1 MiB, and nothing that is none', async ({ expect }) => {
    await using grpc = await TestGrpc.open()
    const data = Buffer.alloc(1024 * 1024 + 1)
    await expect(call(grpc, 'DecryptData', { data })).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
    })
    await expect(grpc.client.call('/aioshadowsocks.ss/GetUser', 'ff')).rejects.toMatchObject({
      code: status.INTERNAL,
    })
    await expect(grpc.client.call('/aioshadowsocks.ss/Nothing', '')).rejects.toMatchObject({
      code: status.UNIMPLEMENTED,
    })
    expect(await call(grpc, 'ListUser', {})).toMatchObject({ data: [] })
  })

  it('sets limits, keeps and lifts them', async ({ expect }) => {
    await using grpc = await TestGrpc.open()
    const { register } = grpc.test
    const user = { user_id: 1, port: 2345, method: 'aes-256-gcm', password: 'x', enable: true }
    const limits = {
      speed_limit: 384_000,
      tcp_conn_limit: 5,
      ip_limit: 2,
      quota_bytes: 2 ** 40,
      expires_at: 4e9,
    }
    expect(await call(grpc, 'CreateUser', { ...user, ...limits })).toMatchObject({
      ...user,
      ...limits,
      name: 'ss-1',
    })
    const stored = { up: 384_000, down: 384_000, connections: 5, ips: 2, quotaBytes: 2 ** 40 }
    expect(register.byName('ss-1')).toMatchObject({ limits: stored, expiresAt: 4e12 })
    expect(await call(grpc, 'UpdateUser', { user_id: 1, enable: true })).toMatchObject({ ...user, ...limits })
    await call(grpc, 'UpdateUser', { user_id: 1, speed_limit: 0, expires_at: 0 })
    const { up: _up, down: _down, ...rest } = stored
    expect(register.byName('ss-1')).toMatchObject({ enabled: false, limits: rest })
    expect(register.byName('ss-1')!.expiresAt).toBeUndefined()
    for (const wrong of [{ speed_limit: -1 }, { quota_bytes: -1 }, { expires_at: -1 }]) {
      const code = status.INVALID_ARGUMENT
      await expect(call(grpc, 'UpdateUser', { user_id: 1, ...wrong })).rejects.toMatchObject({ code })
    }
  })

  it('a user without a port is on the shared one', async ({ expect }) => {
    await using grpc = await TestGrpc.open()
    await call(grpc, 'CreateUser', { user_id: 1, method: 'aes-256-gcm', password: 'x', enable: true })
    expect(grpc.test.register.byName('ss-1')!.credentials).toEqual([
      { kind: 'ss', method: 'aes-256-gcm', secret: 'x' },
    ])
  })

  it('knows users of lists, and leaves them to their lists', async ({ expect }) => {
    await using grpc = await TestGrpc.open()
    const { store, register } = grpc.test
    const credentials = [{ kind: 'ss', port: 2345, method: 'aes-256-gcm', secret: 'x' }] as const
    await store.sync('panel', [{ key: '7', enabled: true, limits: {}, credentials }])
    await expect.poll(() => register.byId('panel:7')).toBeDefined()
    const seven = { user_id: 7, port: 2345, name: 'panel-7', password: 'x' }
    expect(await call(grpc, 'GetUser', { user_id: 7 })).toMatchObject(seven)
    expect(await call(grpc, 'ListUser', {})).toMatchObject({ data: [seven] })
    const code = status.FAILED_PRECONDITION
    for (const name of ['CreateUser', 'UpdateUser', 'DeleteUser', 'StopUserServer', 'InitUserServer']) {
      await expect(call(grpc, name, { user_id: 7 })).rejects.toMatchObject({ code })
    }
  })

  it('lists', async ({ expect }) => {
    await using grpc = await TestGrpc.open()
    const user = { method: 'aes-256-gcm', password: 'x', enable: true }
    await call(grpc, 'CreateUser', { ...user, user_id: 1, port: 2345 })
    await call(grpc, 'CreateUser', { ...user, user_id: 2, port: 2345, method: 'aes-128-gcm' })
    await grpc.test.register.add('ssm', {
      name: 'ss-03',
      credentials: [{ kind: 'ss', method: 'none', secret: 'x' }],
    })
    await grpc.test.register.add('ssm', { name: 'without' })
    const ids = async (request: object): Promise<unknown[]> => {
      const { data } = (await call(grpc, 'ListUser', request)) as { data: { user_id: number }[] }
      return data.map(({ user_id: id }) => id)
    }
    expect(await ids({})).toEqual([1, 2, 0])
    expect(await ids({ port: 2345 })).toEqual([1, 2])
    expect(await ids({ method: 'AES-128-GCM' })).toEqual([2])
    expect(await ids({ tcp_conn_num: 3 })).toEqual([1, 2, 0])
    const { register } = grpc.test
    const account = await vi.waitUntil(() => register.account(register.byName('ss-1')!), { timeout: 30_000 })
    for (let i = 0; i < 4; i++) {
      account.enter(
        { kind: 'connection', ip: `192.0.2.${i % 2}`, cut: () => {}, relimit: () => {} },
        Date.now(),
      )
    }
    expect(await ids({ tcp_conn_num: 3 })).toEqual([2, 0])
    const one = { tcp_conn_num: 4, ip_list: ['192.0.2.0', '192.0.2.1'] }
    expect(await call(grpc, 'GetUser', { user_id: 1 })).toMatchObject(one)
    expect(await call(grpc, 'GetUserServer', { user_id: 1 })).toMatchObject(one)
  })
})

describe.concurrent('keys', () => {
  const secrets = {
    'aes-256-gcm': 'hush',
    '2022-blake3-aes-128-gcm': base64(16),
    '2022-blake3-chacha20-poly1305': base64(32),
  }

  it.for(Object.entries(secrets))('of %s are found', async ([method, secret], { expect }) => {
    await using grpc = await TestGrpc.open()
    const user = { method, enable: true, port: 2345 }
    for (const id of [1, 2, 4])
      await call(grpc, 'CreateUser', { ...user, user_id: id, password: otherOf(method) })
    await call(grpc, 'CreateUser', { ...user, user_id: 3, password: secret })
    const key = keyOf(method, secret)
    const early = Buffer.from('hello')
    const { bytes } = encodeSsRequest(key, randomBytes(key.method.saltBytes), { target: TARGET, early })
    const question = { port: 2345, method, ts_protocol: 1, data: bytes }
    expect(await call(grpc, 'FindAccessUser', question)).toMatchObject({ user_id: 3 })
    expect(await call(grpc, 'FindAccessUser', { ...question, method: '' })).toMatchObject({ user_id: 3 })
    for (const other of [
      { port: 2346 },
      { method: 'aes-128-gcm' },
      { data: bytes.subarray(1) },
      { data: Buffer.alloc(0) },
    ]) {
      await expect(call(grpc, 'FindAccessUser', { ...question, ...other })).rejects.toMatchObject({
        code: status.NOT_FOUND,
      })
    }
    await expect(call(grpc, 'FindAccessUser', { ...question, ts_protocol: 3 })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
    })
    const datagram = datagramOf(key)
    expect(await call(grpc, 'FindAccessUser', { ...question, ts_protocol: 2, data: datagram })).toMatchObject(
      {
        user_id: 3,
      },
    )
    datagram[datagram.length - 1]! ^= 1
    await expect(
      call(grpc, 'FindAccessUser', { ...question, ts_protocol: 2, data: datagram }),
    ).rejects.toMatchObject({ code: status.NOT_FOUND })
    const opened = { data: Buffer.concat([encodeSocksAddress(TARGET), early]) }
    expect(await call(grpc, 'DecryptData', { user_id: 3, data: bytes })).toEqual(opened)
    expect(await call(grpc, 'DecryptData', { uuid: 'ss-3', data: bytes })).toEqual(opened)
    expect(await call(grpc, 'DecryptData', { method, password: secret, data: bytes })).toEqual(opened)
    for (const request of [
      { user_id: 1, data: bytes },
      { user_id: 3, data: bytes.subarray(0, 20) },
      { data: bytes },
    ]) {
      await expect(call(grpc, 'DecryptData', request)).rejects.toMatchObject({
        code: status.INVALID_ARGUMENT,
      })
    }
    await expect(call(grpc, 'DecryptData', { uuid: 'eve', data: bytes })).rejects.toMatchObject({
      code: status.NOT_FOUND,
    })
  })

  it('are found behind identity headers', async ({ expect }) => {
    const method = '2022-blake3-aes-256-gcm'
    const [server, first, second] = [base64(32), base64(32), base64(32)]
    const serverKey = keyOf(method, server)
    await using grpc = await TestGrpc.open({ serverKey })
    for (const [index, password] of [first, second].entries()) {
      await call(grpc, 'CreateUser', { user_id: index + 1, method, password, enable: true })
    }
    const key = keyOf(method, second)
    const parts = { target: TARGET, padding: 7, identity: [serverKey] }
    const { bytes, sealer } = encodeSsRequest(key, randomBytes(32), parts)
    const question = { port: 8388, method, ts_protocol: 1, data: bytes }
    expect(await call(grpc, 'FindAccessUser', question)).toMatchObject({ user_id: 2 })
    const more = Buffer.alloc(sealer.room(5))
    const data = Buffer.concat([bytes, more.subarray(0, sealer.seal(Buffer.from('hello'), more))])
    expect(await call(grpc, 'DecryptData', { user_id: 2, data })).toEqual({
      data: Buffer.concat([encodeSocksAddress(TARGET), Buffer.from('hello')]),
    })
    const datagram = { ...question, ts_protocol: 2, data: datagramOf(key, [serverKey]) }
    expect(await call(grpc, 'FindAccessUser', datagram)).toMatchObject({ user_id: 2 })
  })
})

const otherOf = (method: string): string => {
  const { kind, keyBytes } = ssMethod(method)!
  return kind === '2022' ? base64(keyBytes) : base64(8)
}

const datagramOf = (key: SsKey, serverKeys: readonly SsKey[] = []): Uint8Array => {
  const head = encodeSocksAddress(TARGET)
  const payload = Buffer.from('hello')
  if (key.method.kind !== '2022') return sealDatagram(key, randomBytes(key.method.saltBytes), head, payload)
  const random = (count: number): Uint8Array => randomBytes(count)
  return new SsPacketClient({ key, serverKeys }, 7n, random).seal(
    head,
    payload,
    Math.floor(Date.now() / 1000),
  )
}

describe.concurrent('reflection', () => {
  it.for(['v1', 'v1alpha'])('%s tells what is in ss.proto', async (version, { expect }) => {
    await using grpc = await TestGrpc.open()
    const path = `@grpc/reflection/build/proto/grpc/reflection/${version}/reflection.proto`
    const file = fileURLToPath(import.meta.resolve(`@grpc/reflection/package.json`)).replace(
      '@grpc/reflection/package.json',
      path,
    )
    const loaded = loadPackageDefinition(loadSync(file, { keepCase: true, defaults: false, oneofs: true }))
    // Made at run time from the file.
    const services = Reflect.get(Reflect.get(loaded['grpc'] as object, 'reflection') as object, version) as {
      ServerReflection: new (
        ...args: unknown[]
      ) => Record<string, () => NodeJS.ReadWriteStream> & { close(): void }
    }
    const { host, port } = grpc.server.address
    const client = new services.ServerReflection(`${host}:${port}`, credentials.createInsecure())
    const stream = client['ServerReflectionInfo']!()
    const ask = async (question: object): Promise<Record<string, { [key: string]: unknown }>> => {
      ;(stream as unknown as { write(message: object): void }).write(question)
      const [answer] = (await once(stream, 'data')) as [Record<string, { [key: string]: unknown }>]
      return answer
    }
    const list = await ask({ list_services: '*' })
    expect(list['list_services_response']).toEqual({ service: [{ name: 'aioshadowsocks.ss' }] })
    const { fileDescriptorProtos } = definition['aioshadowsocks.User'] as unknown as {
      fileDescriptorProtos: Buffer[]
    }
    for (const question of [
      { file_containing_symbol: 'aioshadowsocks.ss' },
      { file_containing_symbol: 'aioshadowsocks.ss.ListUser' },
      { file_containing_symbol: 'aioshadowsocks.UserReq' },
      { file_by_filename: 'aioshadowsocks.proto' },
    ]) {
      const answer = await ask(question)
      expect(answer['file_descriptor_response']).toEqual({
        file_descriptor_proto: fileDescriptorProtos,
      })
    }
    for (const question of [
      { file_containing_symbol: 'aioshadowsocks.Nothing' },
      { file_by_filename: '/etc/passwd' },
      { all_extension_numbers_of_type: 'aioshadowsocks.User' },
    ]) {
      const answer = await ask(question)
      expect(answer['error_response']).toMatchObject({ error_code: status.NOT_FOUND })
    }
    const ended = once(stream, 'end')
    stream.end()
    stream.on('data', () => {})
    await ended
    client.close()
  })
})

describe.concurrent('HealthCheck', () => {
  const check = async (grpc: TestGrpc, url: string): Promise<unknown[]> => {
    const method = (definition['aioshadowsocks.ss'] as unknown as Record<string, Method>)['HealthCheck']!
    const answers = await grpc.client.stream(
      '/aioshadowsocks.ss/HealthCheck',
      method.requestSerialize({ url }).toString('hex'),
    )
    return answers.map((answer) => method.responseDeserialize(Buffer.from(answer, 'hex'))['status_code'])
  }

  it('tells what a URL answers', async ({ expect }) => {
    await using grpc = await TestGrpc.open()
    const server: Server = createServer((request, response) => {
      if (request.url === '/slow') return
      response.writeHead(request.url === '/' ? 204 : 302, { location: 'http://10.0.0.1/' }).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    expect(await check(grpc, `http://127.0.0.1:${port}/`)).toEqual(['204'])
    expect(await check(grpc, `http://outside.test:${port}/moved`)).toEqual(['302'])
    expect(await check(grpc, `http://inside.test:${port}/`)).toEqual(['TARGET_DENIED'])
    expect(await check(grpc, 'http://10.0.0.1/')).toEqual(['TARGET_DENIED'])
    expect(await check(grpc, 'http://[::1]/')).toEqual(['TARGET_DENIED'])
    expect(await check(grpc, `http://2130706433:${port}/`)).toEqual(['204'])
    expect(await check(grpc, `http://127.0.0.1:${port}/slow`)).toEqual(['TIMEOUT'])
    server.close()
    server.closeAllConnections()
    for (const url of [
      '',
      'ftp://127.0.0.1/',
      'http://a:b@127.0.0.1/',
      `http://127.0.0.1/${'x'.repeat(2048)}`,
    ]) {
      await expect(check(grpc, url)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
    }
    expect(grpc.failures).toEqual([])
  })
})
