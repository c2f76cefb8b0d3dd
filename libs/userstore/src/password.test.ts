import { expect, test } from 'vitest'
import { checkPassword, decoyHash, hashPassword, hashPasswordSync, isPasswordHash } from './password.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)

test('a hash says how it was made, is salted, and knows its password only', async () => {
  const [one, other] = await Promise.all([hashPassword('pässword', 10), hashPassword(bytes('pässword'), 10)])
  expect(one).toMatch(/^\$scrypt\$ln=10,r=8,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
  expect(other).not.toBe(one)
  for (const hash of [one, other, hashPasswordSync('pässword', 10)]) {
    expect(isPasswordHash(hash)).toBe(true)
    expect(await checkPassword(hash, bytes('pässword'))).toBe(true)
    expect(await checkPassword(hash, bytes('passwort'))).toBe(false)
    expect(await checkPassword(hash, bytes(''))).toBe(false)
  }
})

test('a hash made elsewhere is understood: the third vector of RFC 7914 §12', async () => {
  const hash = '$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI'
  expect(await checkPassword(hash, bytes('pleaseletmein'))).toBe(true)
})

test('the default cost is the one that is documented', async () => {
  const hash = await hashPassword('x')
  expect(hash).toContain('$ln=15,r=8,p=1$')
  expect(await checkPassword(hash, bytes('x'))).toBe(true)
})

test.each(['', 'x'.repeat(1025)])('a password of impossible length is refused', async (password) => {
  await expect(hashPassword(password)).rejects.toMatchObject({ code: 'PASSWORD_VALUE' })
  expect(() => hashPasswordSync(password)).toThrow(expect.objectContaining({ code: 'PASSWORD_VALUE' }))
})

test.each([
  '',
  'secret',
  decoyHash(10).replace('ln=10', 'ln=0'),
  decoyHash(10).replace('ln=10', 'ln=17'),
  decoyHash(10).replace('ln=10', 'ln=99'),
  decoyHash(10).replace('r=8', 'r=0'),
  decoyHash(10).replace('p=1', 'p=5'),
  `${decoyHash(10)}A`,
])('%j is no hash, and no password is right for it', async (hash) => {
  expect(isPasswordHash(hash)).toBe(false)
  expect(await checkPassword(hash, bytes('secret'))).toBe(false)
})
