import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { AuthKeys } from './auth-keys.ts'

const auth = (timestamp: number, ip = '192.0.2.1') => ({
  authKey: createHash('md5').update(`secret${timestamp}`).digest('hex'),
  timestamp: String(timestamp),
  ip,
})

test('a key is good for 20 seconds before and after its time', () => {
  let now = 1000
  const keys = new AuthKeys('secret', () => now * 1000)
  expect(keys.isOurs(auth(1000))).toBe(true)
  expect(keys.isOurs({ ...auth(1000), timestamp: '1001' })).toBe(false)
  // printf secret1000 | md5sum
  expect(keys.isOurs({ ...auth(1000), authKey: 'b07f9d374ba5c7f12e6c59e05007e3d0' })).toBe(true)
  for (const offset of [-20, 0, 20]) expect(() => keys.admit(auth(now + offset))).not.toThrow()
  for (const offset of [-21, 21]) expect(() => keys.admit(auth(now + offset))).toThrow('timestamp expired')
  now += 20
  expect(() => keys.admit(auth(1000))).not.toThrow()
})

test('a key belongs to the address that it first came from', () => {
  const keys = new AuthKeys('secret', () => 1_000_000)
  keys.admit(auth(1000))
  keys.admit(auth(1000))
  expect(() => keys.admit(auth(1000, '192.0.2.2'))).toThrow('another address')
  keys.admit(auth(1001, '192.0.2.2'))
})

test('a change is made once with a key, for as long as the key lasts', () => {
  let now = 1000
  const keys = new AuthKeys('secret', () => now * 1000)
  const early = auth(1020)
  keys.admit(early)
  keys.once(early, 'add')
  keys.once(early, 'add another')
  now = 1040
  keys.admit(early)
  expect(() => keys.once(early, 'add')).toThrow('made before')
  now = 1042
  expect(() => keys.admit(early)).toThrow('timestamp expired')
  keys.admit(auth(1042))
  expect(keys.size).toBe(0)
  keys.once(auth(1042), 'add')
  expect(keys.size).toBe(1)
})
