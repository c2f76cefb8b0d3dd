import { describe, expect, it } from 'vitest'
import { hex } from '../testing/hex.ts'
import { countUp, keyOf } from '../testing/ss-codecs.ts'
import { encodeIdentities, hasIdentity, identityOf } from './identity.ts'
import { SS_METHOD_NAMES, ssMethod } from './method.ts'
import { keyHash } from './session-key.ts'

describe('an identity header', () => {
  it.each([
    [
      '2022-blake3-aes-128-gcm',
      'ff fe fd fc fb fa f9 f8 f7 f6 f5 f4 f3 f2 f1 f0',
      'fe a5 c3 a1 a5 e6 72 de 84 b0 c6 9f 6a ec de 1c',
      'bc 28 4c 0c 97 0c 53 f5 3b c5 e4 e6 71 a0 38 6b',
    ],
    [
      '2022-blake3-aes-256-gcm',
      'ff fe fd fc fb fa f9 f8 f7 f6 f5 f4 f3 f2 f1 f0 ef ee ed ec eb ea e9 e8 e7 e6 e5 e4 e3 e2 e1 e0',
      'c2 e0 e7 88 37 59 44 77 2e 15 72 27 f1 11 f9 da',
      'ff d0 ca ca 45 5d 9a 03 0a dd 47 3e 81 48 e3 c3',
    ],
  ])('of %s', (name, saltText, header, hash) => {
    const [server, user] = [keyOf(name), keyOf(name, 0x40)]
    const salt = hex(saltText)
    const head = hex(`${saltText} ${header} ff`)
    expect(encodeIdentities([server, user], salt)).toEqual(hex(header))
    expect(identityOf(server, head)).toEqual(hex(hash))
    expect(keyHash(user)).toEqual(hex(hash))
    expect(identityOf(user, head)).not.toEqual(hex(hash))
    expect(identityOf(server, head.subarray(0, salt.length + 15))).toBeUndefined()
  })

  it('stands for each server on the way', () => {
    const keys = [0, 0x40, 0x80].map((first) => keyOf('2022-blake3-aes-128-gcm', first))
    const salt = countUp(16)
    const headers = encodeIdentities(keys, salt)
    expect(headers).toHaveLength(32)
    const second = Buffer.concat([salt, headers.subarray(16)])
    expect(identityOf(keys[0]!, Buffer.concat([salt, headers]))).toEqual(keyHash(keys[1]!))
    expect(identityOf(keys[1]!, second)).toEqual(keyHash(keys[2]!))
  })

  it('is for the AES methods of SIP022 alone', () => {
    const names = SS_METHOD_NAMES.filter((name) => hasIdentity(ssMethod(name)!))
    expect(names).toEqual(['2022-blake3-aes-128-gcm', '2022-blake3-aes-256-gcm'])
    expect(identityOf(keyOf('2022-blake3-chacha20-poly1305'), countUp(64))).toBeUndefined()
  })
})
