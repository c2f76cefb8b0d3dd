import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { decoyHash, hashPassword } from './password.ts'
import { PasswordVerifier, type PasswordVerifierOptions } from './password-verifier.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)

/** A verifier whose checks end when the test says so. */
function held(options: PasswordVerifierOptions = {}) {
  const checks: { hash: string; password: string; end: (right: boolean) => Promise<void> }[] = []
  const check = (hash: string, password: Uint8Array): Promise<boolean> => {
    return new Promise((resolve) => {
      const end = async (right: boolean): Promise<void> => {
        resolve(right)
        await new Promise(setImmediate)
      }
      checks.push({ hash, password: Buffer.from(password).toString(), end })
    })
  }
  return { verifier: new PasswordVerifier({ ...options, check, cost: 10 }), checks }
}

test('a right password is checked once and then known at once; a wrong one is checked each time', async () => {
  const verifier = new PasswordVerifier()
  const hash = await hashPassword('right', 10)
  expect(await verifier.verify(hash, bytes('wrong'))).toBe(false)
  expect(verifier.verify(hash, bytes('right'))).toBeInstanceOf(Promise)
  expect(await verifier.verify(hash, bytes('right'))).toBe(true)
  expect(verifier.verify(hash, bytes('right'))).toBe(true)
  expect(verifier.verify(hash, bytes('wrong'))).toBeInstanceOf(Promise)
  expect(await verifier.verify(hash, bytes('wrong'))).toBe(false)
  expect(verifier.verify(hash, bytes('right'))).toBe(true)
  expect(await verifier.verify(await hashPassword('changed', 10), bytes('right'))).toBe(false)
  expect(verifier.verify(hash, new Uint8Array(1025))).toBe(false)
})

test('a password is forgotten after an hour unused', async () => {
  let now = 1
  const { verifier, checks } = held({ clock: { now: () => now } })
  const first = verifier.verify('hash', bytes('right'))
  await checks[0]?.end(true)
  expect(await first).toBe(true)
  for (let use = 0; use < 3; use += 1) {
    now += 3_599_999
    expect(verifier.verify('hash', bytes('right'))).toBe(true)
  }
  now += 3_600_001
  expect(verifier.verify('hash', bytes('right'))).toBeInstanceOf(Promise)
  expect(checks).toHaveLength(2)
})

test('only so many passwords are remembered', async () => {
  const { verifier, checks } = held({ max: 2 })
  for (const hash of ['a', 'b', 'c']) {
    const checked = verifier.verify(hash, bytes('right'))
    await checks.at(-1)?.end(true)
    await checked
  }
  expect(verifier.verify('c', bytes('right'))).toBe(true)
  expect(verifier.verify('a', bytes('right'))).toBeInstanceOf(Promise)
})

test('the same question is asked once, two questions at a time, the others in turn', async () => {
  const { verifier, checks } = held({ parallel: 2 })
  const asked = ['a1', 'a1', 'a2', 'b1', 'b2'].map(
    async ([hash = '', password = '']) => await verifier.verify(hash, bytes(password)),
  )
  const told = () => checks.map(({ hash, password }) => hash + password)
  expect(told()).toEqual(['a1', 'a2'])
  await checks[1]?.end(false)
  expect(told()).toEqual(['a1', 'a2', 'b1'])
  await checks[0]?.end(true)
  expect(told()).toEqual(['a1', 'a2', 'b1', 'b2'])
  await checks[2]?.end(false)
  await checks[3]?.end(true)
  expect(await Promise.all(asked)).toEqual([true, true, false, false, true])
})

test('two questions are asked at a time, unless there is one core', () => {
  const { verifier, checks } = held()
  for (const hash of ['a', 'b', 'c']) void verifier.verify(hash, bytes('right'))
  expect(checks).toHaveLength(availableParallelism() > 1 ? 2 : 1)
})

test('a waiting password is a copy of its own', async () => {
  const { verifier, checks } = held({ parallel: 1 })
  const first = verifier.verify('a', bytes('first'))
  const buffer = bytes('second')
  const second = verifier.verify('b', buffer)
  buffer.fill(0)
  await checks[0]?.end(false)
  expect(checks[1]?.password).toBe('second')
  await checks[1]?.end(true)
  expect(await Promise.all([first, second])).toEqual([false, true])
})

test('too many waiting questions are refused, and room comes back', async () => {
  const { verifier, checks } = held({ parallel: 1, waiting: 1 })
  const [running, waiting] = [verifier.verify('a', bytes('1')), verifier.verify('b', bytes('1'))]
  await expect(verifier.verify('c', bytes('1'))).rejects.toMatchObject({ code: 'AUTH_BUSY' })
  expect(verifier.verify('b', bytes('1'))).toBe(waiting)
  await checks[0]?.end(true)
  const third = verifier.verify('c', bytes('1'))
  await checks[1]?.end(true)
  await checks[2]?.end(true)
  expect(await Promise.all([running, waiting, third])).toEqual([true, true, true])
})

test('a check that fails gives its place to the next', async () => {
  let calls = 0
  const check = (): Promise<boolean> =>
    (calls += 1) === 1 ? Promise.reject(new Error('no memory')) : Promise.resolve(true)
  const verifier = new PasswordVerifier({ check, parallel: 1 })
  const [first, second] = [verifier.verify('a', bytes('1')), verifier.verify('b', bytes('1'))]
  await expect(first).rejects.toThrow('no memory')
  expect(await second).toBe(true)
  expect(await verifier.verify('a', bytes('1'))).toBe(true)
})

test("a nobody's password is checked as any other, against a hash as costly as a new one", async () => {
  const { verifier, checks } = held()
  const asked = verifier.verifyUnknown(bytes('guess'))
  expect(checks[0]?.hash.slice(0, 22)).toBe(decoyHash(10).slice(0, 22))
  expect(checks[0]?.password).toBe('guess')
  await checks[0]?.end(false)
  expect(await asked).toBe(false)
})

test('an attempt is admitted before it waits and at its turn, and told of a wrong password once', async () => {
  const { verifier, checks } = held({ parallel: 1 })
  const told: string[] = []
  const closed = new Set<string>()
  const from = (name: string) => ({
    from: name,
    admit: () => {
      told.push(`${name}?`)
      if (closed.has(name)) throw new Error(`not ${name}`)
    },
    failed: () => void told.push(`${name}!`),
  })
  const asked = ['a', 'a', 'b'].map(async (name) => await verifier.verify('hash', bytes('guess'), from(name)))
  const refused = asked[2]?.catch(String)
  expect(told.splice(0)).toEqual(['a?', 'a?', 'a?', 'b?'])
  closed.add('b')
  await checks[0]?.end(false)
  expect(await refused).toBe('Error: not b')
  expect(await Promise.all(asked.slice(0, 2))).toEqual([false, false])
  expect(told.splice(0)).toEqual(['a!', 'b?'])
  await expect(verifier.verify('hash', bytes('guess'), from('b'))).rejects.toThrow('not b')
  expect(checks).toHaveLength(1)
  expect(verifier.verify('hash', new Uint8Array(1025), from('a'))).toBe(false)
  expect(told).toEqual(['b?', 'a?', 'a!'])
})

test('a remembered password asks nobody, and one that two places wait for is checked once', async () => {
  const { verifier, checks } = held({ parallel: 1 })
  const from = (name: string) => ({ from: name, admit: () => {}, failed: () => {} })
  const asked = ['a', 'b'].map(async (name) => await verifier.verify('hash', bytes('right'), from(name)))
  await checks[0]?.end(true)
  expect(await Promise.all(asked)).toEqual([true, true])
  expect(checks).toHaveLength(1)
  const closed = { from: 'c', admit: () => expect.unreachable(), failed: () => {} }
  expect(verifier.verify('hash', bytes('right'), closed)).toBe(true)
})

test('closed, what waits is never checked, and nothing new is', async () => {
  const { verifier, checks } = held({ parallel: 1 })
  const running = verifier.verify('a', bytes('1'))
  const waiting = ['b', 'c'].map((hash) => verifier.verify(hash, bytes('1')))
  verifier.close()
  for (const each of waiting) await expect(each).rejects.toMatchObject({ code: 'AUTH_BUSY' })
  await expect(verifier.verify('d', bytes('1'))).rejects.toMatchObject({ code: 'AUTH_BUSY' })
  await checks[0]?.end(true)
  expect(await running).toBe(true)
  expect(checks).toHaveLength(1)
  expect(verifier.verify('a', bytes('1'))).toBe(true)
})
