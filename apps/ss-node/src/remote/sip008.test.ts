import { fastify, type FastifyInstance } from 'fastify'
import { describe, it } from 'vitest'
import { addSip008, sip008Path, sip008Token } from './sip008.ts'
import { TestRegister } from './testing/test-register.ts'

const SECRET = 'a-secret-of-25-characters'
const SS = { kind: 'ss', method: 'aes-256-gcm', secret: 'hush' } as const

const serve = (test: TestRegister): FastifyInstance => {
  const app = fastify()
  const places = (host: string) => ({ host, port: 8388, identityKeys: [] })
  addSip008(app, { secret: SECRET, register: test.register, places, now: () => 1000 })
  return app
}

const get = (app: FastifyInstance, url: string): Promise<Awaited<ReturnType<FastifyInstance['inject']>>> =>
  app.inject({ url, headers: { host: 'ss.example.org:9101' } })

describe.concurrent('a document that clients fetch', () => {
  it('tells servers and what is left', async ({ expect }) => {
    await using test = await TestRegister.open()
    const app = serve(test)
    const credentials = [SS, { ...SS, port: 9000, method: 'aes-128-gcm' }]
    const user = await test.register.add('ssm', { name: 'ada/é', credentials, limits: { quotaBytes: 100 } })
    const entries = [{ userId: user.id, up: 30, down: 4 }]
    await test.store.account({ node: 'n', seq: 1, at: Date.now(), entries })
    await expect.poll(async () => (await get(app, sip008Path(SECRET, user))).json().bytes_used).toBe(34)
    const response = await get(app, sip008Path(SECRET, user))
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
    const server = { id: expect.any(String), remarks: 'ada/é', server: 'ss.example.org', password: 'hush' }
    expect(response.json()).toEqual({
      version: 1,
      servers: [
        { ...server, server_port: 8388, method: 'aes-256-gcm' },
        { ...server, server_port: 9000, method: 'aes-128-gcm' },
      ],
      bytes_used: 34,
      bytes_remaining: 66,
    })
  })

  it('has no quota to tell of where there is none', async ({ expect }) => {
    await using test = await TestRegister.open()
    const user = await test.register.add('ssm', { name: 'ada', credentials: [SS] })
    const document = (await get(serve(test), sip008Path(SECRET, user))).json()
    expect(document).toMatchObject({ bytes_used: 0 })
    expect(document).not.toHaveProperty('bytes_remaining')
  })

  it('names no server to who may not come in', async ({ expect }) => {
    await using test = await TestRegister.open()
    const app = serve(test)
    const disabled = await test.register.add('ssm', { name: 'ada', credentials: [SS], enabled: false })
    const expired = await test.register.add('ssm', { name: 'bob', credentials: [SS], expiresAt: 1000 })
    for (const user of [disabled, expired]) {
      expect((await get(app, sip008Path(SECRET, user))).json()).toMatchObject({ servers: [] })
    }
  })

  it('is shown to nobody else', async ({ expect }) => {
    await using test = await TestRegister.open()
    const app = serve(test)
    const ada = await test.register.add('ssm', { name: 'ada', credentials: [SS] })
    const bob = await test.register.add('ssm', { name: 'bob', credentials: [SS] })
    const refusals = await Promise.all(
      [
        '/sip008/ada',
        '/sip008/ada?token=',
        `/sip008/ada?token=${sip008Token(SECRET, bob)}`,
        `/sip008/ada?token=${sip008Token(`${SECRET}x`, ada)}`,
        `/sip008/ada?token=${sip008Token(SECRET, ada)}&token=x`,
        `/sip008/eve?token=${sip008Token(SECRET, ada)}`,
        `/sip008/eve?token=${sip008Token(SECRET, { id: '' })}`,
      ].map((url) => get(app, url)),
    )
    for (const { statusCode, body } of refusals) {
      expect([statusCode, body]).toEqual([404, refusals[0]!.body])
      expect(body).not.toContain('hush')
    }
    await test.register.remove('ssm', 'ada')
    await test.register.add('ssm', { name: 'ada', credentials: [SS] })
    expect((await get(app, sip008Path(SECRET, ada))).statusCode).toBe(404)
  })

  it('stays where it is when the password changes', async ({ expect }) => {
    await using test = await TestRegister.open()
    const ada = await test.register.add('ssm', { name: 'ada', credentials: [SS] })
    await test.register.change('ssm', 'ada', { credentials: [{ ...SS, secret: 'new' }] })
    const document = (await get(serve(test), sip008Path(SECRET, ada))).json()
    expect(document).toMatchObject({ servers: [{ password: 'new' }] })
  })
})
