import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { rawPublicKey } from '@sluice/service'
import { KnownKeys, PeerKey } from './known-keys.ts'

const newPair = () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return { raw: rawPublicKey(publicKey)!, sign: (bytes: Uint8Array) => sign(null, bytes, privateKey) }
}
const octets = (octet: number): Uint8Array => new Uint8Array(32).fill(octet)

describe('a key', () => {
  it('tells its own signatures from others', () => {
    const [one, other] = [newPair(), newPair()]
    const key = new PeerKey(one.raw)
    const bytes = Buffer.from('proof')
    expect(key.verifies(bytes, one.sign(bytes))).toBe(true)
    expect(key.verifies(bytes, other.sign(bytes))).toBe(false)
    expect(key.verifies(Buffer.from('prove'), one.sign(bytes))).toBe(false)
  })

  it('of 31 octets is none', () => {
    const key = new PeerKey(new Uint8Array(31))
    expect(() => key.check()).toThrow(expect.objectContaining({ code: 'AUTH_FAILED' }))
  })
})

describe('known keys', () => {
  it('are the same again, whoever lent their octets', () => {
    const keys = new KnownKeys()
    const key = keys.of(octets(1))
    expect(keys.of(octets(1))).not.toBe(key)
    keys.remember(key)
    expect(keys.of(Buffer.alloc(40, 1).subarray(8))).toBe(key)
    expect(keys.of(octets(2)).id).toBe(new PeerKey(octets(2)).id)
  })

  it('are so many; the one used longest ago is forgotten', () => {
    const keys = new KnownKeys(2)
    const [one, two, three] = [1, 2, 3].map((octet) => new PeerKey(octets(octet)))
    for (const key of [one, two, one, three]) keys.remember(key!)
    expect([1, 2, 3].map((octet) => [one, two, three].includes(keys.of(octets(octet))))).toEqual([
      true,
      false,
      true,
    ])
  })
})
