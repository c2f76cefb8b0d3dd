import { hashPassword, PasswordVerifier, StoreError, type User } from '@sluice/userstore'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Account, Held } from './account.ts'
import { codeOf } from './errors.ts'
import { SignInGuard } from './sign-in-guard.ts'
import { Lab } from './testing/lab.ts'
import { settled } from './testing/memory-conn.ts'
import { userOf } from './testing/memory-store.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const withPassword = async (name: string, password: string, rest: Partial<User> = {}): Promise<User> =>
  userOf(name, { credentials: [{ kind: 'password', hash: await hashPassword(password, 1) }], ...rest })

/** A verifier whose checks end when the test says. */
const slowVerifier = (): {
  verifier: PasswordVerifier
  answer(this: void, right: boolean): Promise<void>
} => {
  const checks: ((right: boolean) => void)[] = []
  const check = (): Promise<boolean> => new Promise((resolve) => checks.push(resolve))
  return {
    verifier: new PasswordVerifier({ cost: 1, check }),
    answer: async (right) => {
      await settled()
      for (const resolve of checks.splice(0)) resolve(right)
      await settled()
    },
  }
}

describe('signIn', () => {
  let lab: Lab

  beforeEach(async () => {
    lab = await Lab.open([await withPassword('ada', 'secret'), userOf('eve'), await withPassword('Åsa', 'π')])
  })

  const signIn = (name: string, password: string): Account | Promise<Account> =>
    lab.directory.signIn(bytes(name), bytes(password), '192.0.2.1')

  it('knows who has the right password, at once from the second time on', async () => {
    const first = signIn('ada', 'secret')
    expect(first).toBeInstanceOf(Promise)
    expect(await first).toBe(lab.account('ada'))
    expect(signIn('ada', 'secret')).toBe(lab.account('ada'))
  })

  it('compares names and passwords as UTF-8', async () => {
    expect(await signIn('Åsa', 'π')).toBe(lab.account('Åsa'))
  })

  it('reads a name that lies within a larger buffer', async () => {
    const both = bytes('..ada..secret..')
    expect(await lab.directory.signIn(both.subarray(2, 5), both.subarray(7, 13), '192.0.2.1')).toBe(
      lab.account('ada'),
    )
  })

  it.each([
    ['a wrong password', 'ada', 'wrong'],
    ['an empty password', 'ada', ''],
    ['a password beyond all bounds', 'ada', 'x'.repeat(5000)],
    ['an unknown name', 'bob', 'secret'],
    ['an empty name', '', 'secret'],
    ['a name of the prototype', 'constructor', 'secret'],
    ['a user without a password', 'eve', ''],
  ])('refuses %s', async (_what, name, password) => {
    await expect(signIn(name, password)).rejects.toMatchObject({ code: 'AUTH_FAILED' })
    await expect(signIn(name, password)).rejects.toMatchObject({ code: 'AUTH_FAILED' })
  })

  it('refuses bytes that are no UTF-8', async () => {
    await expect(
      lab.directory.signIn(Uint8Array.of(0xff, 0xfe), bytes('secret'), '192.0.2.1'),
    ).rejects.toMatchObject({
      code: 'AUTH_FAILED',
    })
  })

  it('says so where too many wait', async () => {
    const verifier = new PasswordVerifier({
      cost: 1,
      parallel: 1,
      waiting: 1,
      check: () => new Promise(() => {}),
    })
    lab = await Lab.open([await withPassword('ada', 'secret')], { verifier })
    void signIn('ada', 'a')
    void signIn('ada', 'b')
    await expect(signIn('ada', 'c')).rejects.toMatchObject({ code: 'AUTH_BUSY' })
  })

  it('knows a disabled user, whom the account then turns away', async () => {
    lab.store.put({ ...lab.account('ada').user, enabled: false })
    expect(await signIn('ada', 'secret')).toBe(lab.account('ada'))
  })
})

describe('sign-ins that fail', () => {
  it('make their address wait, and let nobody wait whose password is remembered', async () => {
    const guard = new SignInGuard({ failures: 2, backoffMs: 60_000 }, () => 1)
    const lab = await Lab.open([await withPassword('ada', 'secret'), await withPassword('bob', 'geheim')], {
      guard,
    })
    const signIn = async (name: string, password: string, ip: string): Promise<unknown> => {
      try {
        const account = await lab.directory.signIn(bytes(name), bytes(password), ip)
        return account.user.name
      } catch (error) {
        return codeOf(error)
      }
    }
    const [here, there] = ['192.0.2.1', '192.0.2.2']
    expect(await signIn('ada', 'secret', here)).toBe('ada')
    expect(await signIn('ada', 'a', there)).toBe('AUTH_FAILED')
    expect(await signIn('ada', 'secret', there)).toBe('ada')
    expect(await signIn('ada', 'b', there)).toBe('AUTH_FAILED')
    expect(await signIn('eve', 'c', there)).toBe('AUTH_FAILED')
    expect(await signIn('bob', 'geheim', there)).toBe('AUTH_LIMIT')
    expect(await signIn('bob', 'geheim', here)).toBe('bob')
    expect(await signIn('ada', 'secret', there)).toBe('ada')
  })

  it('do not wait behind one another: of many at once no more are checked than one after the other', async () => {
    const guard = new SignInGuard({ failures: 3, backoffMs: 60_000 }, () => 1)
    let checks = 0
    const check = async (): Promise<boolean> => (checks += 1) < 0
    const verifier = new PasswordVerifier({ cost: 1, parallel: 1, check })
    const lab = await Lab.open([await withPassword('ada', 'secret')], { guard, verifier })
    const codes = await Promise.all(
      Array.from({ length: 50 }, (_, nth) =>
        Promise.resolve(lab.directory.signIn(bytes('ada'), bytes(`guess ${nth}`), '192.0.2.1')).catch(codeOf),
      ),
    )
    expect(checks).toBe(3)
    expect(codes.filter((code) => code === 'AUTH_FAILED')).toHaveLength(3)
    expect(codes.filter((code) => code === 'AUTH_LIMIT')).toHaveLength(47)
  })

  it.each(['ada', 'bob'])('do not tell by how they are counted whether there is a %s', async (name) => {
    const guard = new SignInGuard({ failures: 3, backoffMs: 60_000 }, () => 1)
    const lab = await Lab.open([await withPassword('ada', 'secret')], { guard })
    const signIn = (as: string): Promise<unknown> =>
      Promise.resolve(lab.directory.signIn(bytes(as), bytes('guess'), '192.0.2.1')).catch(codeOf)
    await Promise.all(['nobody', name].map(signIn))
    expect([await signIn('eve'), await signIn('eve')]).toEqual(['AUTH_FAILED', 'AUTH_LIMIT'])
  })
})

const signInDuring = async (change: (lab: Lab) => Promise<void>): Promise<string> => {
  const { verifier, answer } = slowVerifier()
  const lab = await Lab.open([await withPassword('ada', 'secret')], { verifier })
  const run = lab.run({
    signIn: () => lab.directory.signIn(bytes('ada'), bytes('secret'), '192.0.2.1'),
  })
  run.client.write('?')
  await settled()
  await change(lab)
  await answer(true)
  run.connected()
  await settled()
  void run.finish()
  return run.code
}

describe('a user who changes while the password is checked', () => {
  it('comes in where nothing stands in the way', async () => {
    expect(await signInDuring(async () => {})).toBe('OK')
  })

  it('is turned away who was disabled', async () => {
    const code = await signInDuring(async (lab) => lab.store.put({ ...lab.account().user, enabled: false }))
    expect(code).toBe('USER_DISABLED')
  })

  it('is turned away who has a new password', async () => {
    const code = await signInDuring(async (lab) => lab.store.put(await withPassword('ada', 'new')))
    expect(code).toBe('AUTH_FAILED')
  })
})

describe('Directory', () => {
  let lab: Lab

  beforeEach(async () => {
    lab = await Lab.open([await withPassword('ada', 'secret'), await withPassword('bob', 'geheim')])
  })

  const signedIn = async (name: string, password: string): Promise<string> =>
    (await lab.directory.signIn(bytes(name), bytes(password), '192.0.2.1')).user.id

  it('follows users that are added', async () => {
    lab.store.put(await withPassword('cyd', 'salaisuus'))
    expect(await signedIn('cyd', 'salaisuus')).toBe('cyd')
    expect(lab.directory.size).toBe(3)
  })

  it('takes the usage of users that it begins with', async () => {
    lab = await Lab.open([userOf('ada', { limits: { quotaBytes: 1000 } })], { used: { ada: 700 } })
    expect(lab.account('ada').quota.remaining).toBe(300)
    lab.store.bookElsewhere('ada', 200)
    expect(lab.account('ada').quota.remaining).toBe(100)
  })

  it('forgets who was removed, and knows who has the name now as another', async () => {
    const before = lab.account('ada')
    lab.store.replace(['ada'], [await withPassword('ada', 'other', { id: 'ada-2' })])
    expect(await signedIn('ada', 'other')).toBe('ada-2')
    expect(lab.directory.byId('ada')).toBeUndefined()
    expect(before.removed).toBe(true)
    const held = { kind: 'connection', ip: '', cut() {}, relimit() {} } as const
    expect(() => before.enter(held, 0)).toThrow(expect.objectContaining({ code: 'USER_REMOVED' }))
  })

  it('lets nobody in under a name that was removed', async () => {
    lab.store.replace(['ada'])
    await expect(signedIn('ada', 'secret')).rejects.toMatchObject({ code: 'AUTH_FAILED' })
    expect(await signedIn('bob', 'geheim')).toBe('bob')
  })

  it('follows a new name, and forgets the old one', async () => {
    lab.store.put({ ...lab.account('ada').user, name: 'ida' })
    expect(await signedIn('ida', 'secret')).toBe('ada')
    await expect(signedIn('ada', 'secret')).rejects.toMatchObject({ code: 'AUTH_FAILED' })
    expect(lab.directory.byName('ida')).toBe(lab.account('ada'))
    expect(lab.directory.byName('ada')).toBeUndefined()
  })

  it.each([[['ada', 'bob']], [['bob', 'ada']]])(
    'follows two who swap names, told in the order %s',
    async (order) => {
      const [ada, bob] = [lab.account('ada').user, lab.account('bob').user]
      const swapped: Record<string, User> = { ada: { ...ada, name: 'bob' }, bob: { ...bob, name: 'ada' } }
      lab.store.put(...order.map((id) => swapped[id]!))
      expect(await signedIn('bob', 'secret')).toBe('ada')
      expect(await signedIn('ada', 'geheim')).toBe('bob')
    },
  )

  it('knows what was written when it is to look, before the store tells of it', async () => {
    vi.spyOn(lab.store, 'tell').mockImplementation(() => {})
    lab.store.replace(['bob'], [await withPassword('cyd', 'heimlich')])
    expect(lab.directory.byId('cyd')).toBeUndefined()
    await lab.directory.refresh()
    expect(await signedIn('cyd', 'heimlich')).toBe('cyd')
    await expect(signedIn('bob', 'geheim')).rejects.toMatchObject({ code: 'AUTH_FAILED' })
  })

  it('keeps the defaults of one door where another has its own changed', () => {
    const held = (): Held => ({ kind: 'connection', ip: '', cut() {}, relimit() {} })
    lab.directory.setDefaults({ connections: 1 })
    lab.directory.setDefaults({ total: 1_000_000 })
    lab.account('ada').enter(held(), 0)
    expect(() => lab.account('ada').enter(held(), 0)).toThrow(
      expect.objectContaining({ code: 'CONNECTION_LIMIT' }),
    )
  })

  it('keeps its users when the store cannot be read', async () => {
    const error = new StoreError('STORE_FORMAT', 'line 3')
    lab.store.tellError(error)
    expect(lab.unreadable).toEqual([error])
    expect(await signedIn('ada', 'secret')).toBe('ada')
  })

  it('hears nothing more after stop()', () => {
    lab.directory.stop()
    lab.store.put(userOf('cyd'))
    lab.store.tellError(new Error('late'))
    expect(lab.directory.size).toBe(2)
    expect(lab.unreadable).toEqual([])
  })
})
