import { describe, expect, it } from 'vitest'
import { isSecure, SS_METHOD_NAMES, ssKey, ssMethod } from './index.ts'
import { identityKey, keyHash, sessionKey } from './session-key.ts'

const keyOf = (method: string, secret: string) => ssKey(ssMethod(method)!, secret)
const hex = (text: string): Uint8Array => Buffer.from(text, 'hex')
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const base64Of = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

describe('methods', () => {
  it.each([
    ['AES-256-GCM', 'aes-256-gcm'],
    ['chacha20-poly1305', 'chacha20-ietf-poly1305'],
    ['plain', 'none'],
  ])('%s is %s', (name, same) => {
    expect(ssMethod(name)?.name).toBe(same)
  })

  it.each(['rc4-md5', '', 'constructor', 'aes-256-gcm '])('%j is none', (name) => {
    expect(ssMethod(name)).toBeUndefined()
  })

  it('are secure but for four', () => {
    const weak = SS_METHOD_NAMES.filter((name) => !isSecure(ssMethod(name)!))
    expect(weak).toEqual(['aes-128-cfb', 'aes-192-cfb', 'aes-256-cfb', 'none'])
  })
})

describe('master keys', () => {
  it.each([
    ['foobar', '3858f62230ac3c915f300c664312c63f568378529614d22ddb49237d2f60bfdf'],
    ['barfoo!', 'b3adc47839e047eb228870526dc8fc30b347287ffca3045dcea06b3fdf090acb'],
    ['hellotheworld', '4985d6d53d07852ffce42e0dbc96a97cdf4316dd535ae8f62fcfe06cf97e35cf'],
  ])('of the password %s', (password, key) => {
    expect(hexOf(keyOf('aes-128-gcm', password).bytes)).toBe(key.slice(0, 32))
    expect(hexOf(keyOf('aes-192-cfb', password).bytes)).toBe(key.slice(0, 48))
    expect(hexOf(keyOf('aes-256-gcm', password).bytes)).toBe(key)
    expect(keyOf('none', password).bytes).toHaveLength(0)
  })

  it('of 2022 methods are written in Base64', () => {
    const bytes = hex('000102030405060708090a0b0c0d0e0f')
    expect(hexOf(keyOf('2022-blake3-aes-128-gcm', base64Of(bytes)).bytes)).toBe(hexOf(bytes))
    expect(hexOf(keyOf('2022-blake3-aes-128-gcm', base64Of(bytes).replaceAll('=', '')).bytes)).toBe(
      hexOf(bytes),
    )
  })

  it.each([
    ['s3cret password', 'not Base64'],
    ['AAECAwQFBgcICQoLDA0ODw==', 'has 16 bytes, not 32'],
    ['', 'has 0 bytes, not 32'],
  ])('and of no other length: %j', (secret, problem) => {
    const act = () => keyOf('2022-blake3-aes-256-gcm', secret)
    expect(act).toThrow(
      expect.objectContaining({ code: 'WIRE_KEY', message: expect.stringContaining(problem) }),
    )
    expect(act).not.toThrow(/s3cret|AAEC/)
  })
})

describe('session keys', () => {
  it.each([
    ['aes-128-gcm', '000102030405060708090a0b0c0d0e0f', 'e59e945699e8699144c332b9e641ef65'],
    [
      'chacha20-ietf-poly1305',
      '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
      'c4f0e9818348b2f30188d82b37a4cddc9f5ea531070ec67225160209faff573c',
    ],
  ])('of %s', (method, salt, key) => {
    expect(hexOf(sessionKey(keyOf(method, 'foobar'), hex(salt)))).toBe(key)
  })

  // The first and the last are urban-spork's, the second was confirmed with b3sum.
  it('of 2022 methods', () => {
    const key = keyOf('2022-blake3-aes-256-gcm', 'Lc3tTx0BY6ZJ/fCwOx3JvF0I/anhwJBO5p2+FA5Vce4=')
    const salt = Buffer.from('3oFO0VyLyGI4nFN0M9P+62vPND/L6v8IingaPJWTbJA=', 'base64')
    expect(base64Of(sessionKey(key, salt))).toBe('EdNE+4U8dVnHT0+poAFDK2bdlwfrHT61sUNr9WYPh+E=')
    const short = keyOf('2022-blake3-aes-128-gcm', 'AAECAwQFBgcICQoLDA0ODw==')
    const down = hex('fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0')
    expect(hexOf(sessionKey(short, down))).toBe('390c07d7148de220a2224204bd67f619')
    expect(hexOf(identityKey(short, down))).toBe('d775741edd64112b8d9555b972ac6a4f')
    const user = { method: short.method, bytes: hex('404142434445464748494a4b4c4d4e4f') }
    expect(hexOf(keyHash(user))).toBe('bc284c0c970c53f53bc5e4e671a0386b')
  })
})
