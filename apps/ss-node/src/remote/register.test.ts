import { describe, it } from 'vitest'
import { TestRegister } from './testing/test-register.ts'

const SS = { kind: 'ss', port: 8388, method: 'aes-256-gcm', secret: 'hush' } as const

describe.concurrent('the register', () => {
  it('knows at once what it has changed, and says who asked', async ({ expect }) => {
    await using test = await TestRegister.open()
    const { register, lines, store } = test
    const added = await register.put('grpc', { name: 'ada', credentials: [SS], limits: { up: 5 } })
    expect(register.byName('ada')).toEqual(added)
    expect(register.byId(added.id)).toEqual(added)
    const changed = await register.put('manager', { name: 'ada', enabled: false })
    expect(changed).toEqual({ ...added, enabled: false })
    expect([...register.users()]).toEqual([changed])
    expect((await store.list()).users).toEqual([changed])
    await register.remove('ssm', 'ada')
    expect([register.byName('ada'), register.byId(added.id), ...register.users()]).toEqual([
      undefined,
      undefined,
    ])
    expect((await store.list()).users).toEqual([])
    expect(lines).toEqual([
      { msg: 'user.changed', by: 'grpc', change: 'added', name: 'ada' },
      { msg: 'user.changed', by: 'manager', change: 'changed', name: 'ada' },
      { msg: 'user.changed', by: 'ssm', change: 'removed', name: 'ada' },
    ])
    expect(JSON.stringify(lines)).not.toContain('hush')
  })

  it('writes nothing where nothing changes', async ({ expect }) => {
    await using test = await TestRegister.open()
    const { register, lines } = test
    const user = { name: 'ada', enabled: true, credentials: [SS], limits: { up: 5 } }
    const added = await register.put('grpc', user)
    expect(await register.put('grpc', user)).toBe(added)
    expect(await register.change('grpc', 'ada', { limits: { down: null }, expiresAt: null })).toBe(added)
    expect(lines).toHaveLength(1)
    expect(await register.change('grpc', 'ada', { limits: { up: null } })).toEqual({ ...added, limits: {} })
  })

  it('follows the store', async ({ expect }) => {
    await using test = await TestRegister.open()
    const { register, store } = test
    const user = await store.add({ name: 'bob' })
    await expect.poll(() => register.byName('bob')).toEqual(user)
    expect(register.used(user)).toMatchObject({ up: 0, down: 0 })
    const entries = [{ userId: user.id, up: 3, down: 4 }]
    await store.account({ node: 'n', seq: 1, at: Date.now(), entries })
    await expect.poll(() => register.used(user)).toMatchObject({ up: 3, down: 4 })
    await store.remove('bob')
    await store.add({ name: 'bob' })
    await expect.poll(() => register.byName('bob')?.id ?? user.id).not.toBe(user.id)
    expect(register.byId(user.id)).toBeUndefined()
    expect(register.used(user)).toMatchObject({ up: 0, down: 0 })
  })

  it('of two who add one user, the second changes them', async ({ expect }) => {
    await using test = await TestRegister.open()
    const { register } = test
    const [, second] = await Promise.all([
      register.put('grpc', { name: 'ada' }),
      register.put('grpc', { name: 'ada', enabled: false }),
    ])
    expect(second.enabled).toBe(false)
    expect([...register.users()]).toEqual([second])
  })

  it('cannot change who is not there', async ({ expect }) => {
    await using test = await TestRegister.open()
    const { register } = test
    await expect(register.change('grpc', 'eve', { enabled: false })).rejects.toMatchObject({
      code: 'USER_UNKNOWN',
    })
    await expect(register.remove('grpc', 'eve')).rejects.toMatchObject({ code: 'UNKNOWN' })
  })
})
