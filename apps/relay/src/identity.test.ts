import { createPublicKey, verify } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeIdOf, parseNodeId } from '@sluice/wire/relay'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { rawPublicKey } from './ed25519.ts'
import { isExposed, openIdentity } from './identity.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'identity-'))))
afterEach(() => rmSync(folder, { recursive: true }))

it.each([
  [0o600, false],
  [0o400, false],
  [0o640, true],
  [0o604, true],
])('a file of mode %i is exposed: %s', (mode, exposed) => {
  const file = join(folder, 'relay.pem')
  openIdentity(file)
  chmodSync(file, mode)
  expect(isExposed(file)).toBe(exposed)
})

it('makes a key for its owner alone, and finds it again', () => {
  const file = join(folder, 'deeper', 'relay.pem')
  const made = openIdentity(file)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(made.nodeId).toEqual(nodeIdOf(made.publicKey))
  expect(parseNodeId(made.id)).toEqual(made.nodeId)
  expect(openIdentity(file).id).toBe(made.id)
  expect(openIdentity(join(folder, 'other.pem')).id).not.toBe(made.id)
})

it('signs with the key that it shows', () => {
  const identity = openIdentity(join(folder, 'relay.pem'))
  const key = createPublicKey(identity.privateKeyPem)
  expect(rawPublicKey(key)).toEqual(identity.publicKey)
  const bytes = Buffer.from('words')
  expect(verify(null, bytes, key, identity.sign(bytes))).toBe(true)
})

it('refuses a file that holds no such key, says which, and leaves it as it is', () => {
  const file = join(folder, 'relay.pem')
  for (const text of ['', 'no key', 'x'.repeat(5000)]) {
    writeFileSync(file, text)
    expect(() => openIdentity(file)).toThrow(`${file} does not hold an Ed25519 private key`)
    expect(statSync(file).size).toBe(text.length)
  }
})

it('says why the file cannot be read', () => {
  expect(() => openIdentity(folder)).toThrow(/cannot read the identity in .* \(EISDIR\)/)
})
