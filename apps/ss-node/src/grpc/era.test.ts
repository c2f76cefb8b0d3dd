import { credentials, loadPackageDefinition, status } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, it } from 'vitest'
import { TestGrpc } from './testing/test-grpc.ts'

const hex = (text: string): string => Buffer.from(text).toString('hex')
const field = (tag: string, text: string): string => tag + Buffer.of(text.length).toString('hex') + hex(text)

// user_id 1, port 2345, method, password, enable: 08 01, 10 a9 12, 1a …, 22 …, 28 01.
const USER = `080110a912${field('1a', 'aes-256-cfb')}${field('22', 'hellotheworld')}2801`
/** The same without `enable`, which is how proto3 writes false. */
const DISABLED = USER.slice(0, -4)
/** What clients of the era do not know: fields 9 to 17. */
const NAME = field('6a', 'ss-1')
const ID = '0801'

describe.concurrent('bytes of the original proto', () => {
  it('CreateUser and GetUser answer with the same fields', async ({ expect }) => {
    await using grpc = await TestGrpc.open()
    const { client, test } = grpc
    expect(await client.call('/aioshadowsocks.ss/CreateUser', USER)).toBe(USER + NAME)
    expect(await client.call('/aioshadowsocks.ss/GetUser', ID)).toBe(USER + NAME)
    expect(test.register.byName('ss-1')).toMatchObject({
      enabled: true,
      credentials: [{ kind: 'ss', port: 2345, method: 'aes-256-cfb', secret: 'hellotheworld' }],
      limits: {},
    })
  })

  it('UpdateUser adds and changes', async ({ expect }) => {
    await using grpc = await TestGrpc.open()
    const { client } = grpc
    expect(await client.call('/aioshadowsocks.ss/UpdateUser', DISABLED)).toBe(DISABLED + NAME)
    expect(await client.call('/aioshadowsocks.ss/UpdateUser', USER)).toBe(USER + NAME)
    // Port 2346 and nothing else: the rest stays, but `enable` is false where it is not sent.
    const moved = `080110aa12${DISABLED.slice(10)}`
    expect(await client.call('/aioshadowsocks.ss/UpdateUser', '080110aa12')).toBe(moved + NAME)
  })

  it('DeleteUser answers with nothing', async ({ expect }) => {
    await using grpc = await TestGrpc.open()
    const { client, test } = grpc
    await client.call('/aioshadowsocks.ss/CreateUser', USER)
    expect(await client.call('/aioshadowsocks.ss/DeleteUser', ID)).toBe('')
    expect([...test.register.users()]).toEqual([])
    await expect(client.call('/aioshadowsocks.ss/DeleteUser', ID)).rejects.toMatchObject({
      code: status.NOT_FOUND,
    })
  })

  it('GetUserServer tells traffic and whether it runs', async ({ expect }) => {
    await using grpc = await TestGrpc.open()
    const { client, test, served } = grpc
    await client.call('/aioshadowsocks.ss/CreateUser', USER)
    expect(await client.call('/aioshadowsocks.ss/GetUserServer', ID)).toBe('0801')
    const { id } = test.register.byName('ss-1')!
    const entries = [{ userId: id, up: 300, down: 70_000 }]
    await test.store.account({ node: 'n', seq: 1, at: Date.now(), entries })
    // 300 is ac 02, 70,000 is f0 a2 04.
    await expect.poll(() => client.call('/aioshadowsocks.ss/GetUserServer', ID)).toBe('080110ac0218f0a204')
    served.add(id)
    await expect
      .poll(() => client.call('/aioshadowsocks.ss/GetUserServer', ID))
      .toBe('080110ac0218f0a2042801')
  })

  it('StopUserServer disables, InitUserServer enables and waits for the port', async ({ expect }) => {
    await using grpc = await TestGrpc.open()
    const { client, test, served } = grpc
    await client.call('/aioshadowsocks.ss/CreateUser', USER)
    expect(await client.call('/aioshadowsocks.ss/StopUserServer', ID)).toBe('')
    expect(test.register.byName('ss-1')!.enabled).toBe(false)
    const started = client.call('/aioshadowsocks.ss/InitUserServer', ID)
    await expect.poll(() => test.register.byName('ss-1')!.enabled).toBe(true)
    served.add(test.register.byName('ss-1')!.id)
    expect(await started).toBe('08012801')
  })

  it.for(['GetUser', 'DeleteUser', 'InitUserServer', 'GetUserServer', 'StopUserServer'])(
    '%s of nobody is NOT_FOUND, of user 0 INVALID_ARGUMENT',
    async (name, { expect }) => {
      await using grpc = await TestGrpc.open()
      const { client, failures } = grpc
      const path = `/aioshadowsocks.ss/${name}`
      await expect(client.call(path, '0807')).rejects.toMatchObject({ code: status.NOT_FOUND })
      for (const request of ['', '08ffffffffffffffffff01']) {
        await expect(client.call(path, request)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
      }
      expect(failures).toEqual([])
    },
  )

  it.for([
    ['no user_id', USER.slice(4)],
    ['no method', `080110a912${field('22', 'hush')}2801`],
    ['no password', `080110a912${field('1a', 'aes-256-gcm')}2801`],
    ['an unknown method', `080110a912${field('1a', 'rc4-md5')}${field('22', 'hush')}`],
    ['a key that is none', `080110a912${field('1a', '2022-blake3-aes-256-gcm')}${field('22', 'hush')}`],
    ['port 65536', `0801108080041a${USER.slice(12)}`],
    ['a port below 0', `080110ffffffffffffffffff01${USER.slice(10)}`],
  ] as const)('CreateUser with %s is INVALID_ARGUMENT', async ([, request], { expect }) => {
    await using grpc = await TestGrpc.open()
    const { client, failures, test } = grpc
    const created = client.call('/aioshadowsocks.ss/CreateUser', request)
    await expect(created).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
    await expect(created).rejects.not.toThrow(/hush/)
    expect([failures, ...test.register.users()]).toEqual([[]])
  })
})

it('a client that has the original proto is served', async ({ expect }) => {
  await using grpc = await TestGrpc.open()
  const path = fileURLToPath(new URL('testing/era.proto', import.meta.url))
  const era = loadPackageDefinition(loadSync(path, { keepCase: true, longs: Number, defaults: true }))
  const { host, port } = grpc.server.address
  // Made at run time from the file.
  const { ss: Ss } = era['aioshadowsocks'] as unknown as {
    ss: new (...args: unknown[]) => Record<string, never>
  }
  const client = new Ss(`${host}:${port}`, credentials.createInsecure())
  const call = (name: string, request: object): Promise<unknown> =>
    promisify<object, unknown>(client[name]!).call(client, request)
  const user = { user_id: 1, port: 2345, method: 'aes-256-gcm', password: 'hush', enable: true }
  expect(await call('CreateUser', user)).toEqual(user)
  expect(await call('GetUser', { user_id: 1 })).toEqual(user)
  expect(await call('GetUserServer', { user_id: 1 })).toEqual({
    user_id: 1,
    upload_traffic: 0,
    download_traffic: 0,
    ip_list: [],
    is_running: false,
  })
  expect(await call('DeleteUser', { user_id: 1 })).toEqual({})
  ;(client as unknown as { close(): void }).close()
})
