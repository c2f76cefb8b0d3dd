import { createPublicKey, verify } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { rawPublicKey } from './ed25519.ts'
import { isExposed, openIdentityKey } from './identity-key.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'identity-'))))
afterEach(() => rmSync(folder, { recursive: true }))

it.each([
  [0o600, false],
  [0o400, false],
  [0o640, true],
  [0o604, true],
])('a file of mode %i is exposed: %s', (mode, exposed) => {
  const file = join(folder, 'identity.pem')
  openIdentityKey(file)
  chmodSync(file, mode)
  expect(isExposed(file)).toBe(exposed)
})

it('makes a key for its owner alone, and finds it again', () => {
  const file = join(folder, 'deeper', 'identity.pem')
  const made = openIdentityKey(file)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(openIdentityKey(file).publicKey).toEqual(made.publicKey)
  expect(openIdentityKey(join(folder, 'other.pem')).publicKey).not.toEqual(made.publicKey)
})

it('signs with the key that it shows', () => {
  const identity = openIdentityKey(join(folder, 'identity.pem'))
  const key = createPublicKey(identity.privateKeyPem)
  expect(rawPublicKey(key)).toEqual(identity.publicKey)
  const bytes = Buffer.from('words')
  expect(verify(null, bytes, key, identity.sign(bytes))).toBe(true)
})

it('refuses a file that holds no such key, says which, and leaves it as it is', () => {
  const file = join(folder, 'identity.pem')
  for (const text of ['', 'no key', 'x'.repeat(5000)]) {
    writeFileSync(file, text)
    expect(() => openIdentityKey(file)).toThrow(`${file} does not hold an Ed25519 private key`)
    expect(statSync(file).size).toBe(text.length)
  }
})

it('says why the file cannot be read', () => {
  expect(() => openIdentityKey(folder)).toThrow(/cannot read the identity in .* \(EISDIR\)/)
})
