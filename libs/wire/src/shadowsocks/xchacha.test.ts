import { createCipheriv } from 'node:crypto'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { countUp } from '../testing/ss-codecs.ts'
import { xchachaKey, xchachaNonce } from './xchacha.ts'

// draft-irtf-cfrg-xchacha-03 §2.2.1
it('makes the key of the draft', () => {
  const nonce = Buffer.from('000000090000004a0000000031415927', 'hex')
  expect(Buffer.from(xchachaKey(countUp(32), Buffer.concat([nonce, Buffer.alloc(8)]))).toString('hex')).toBe(
    '82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc',
  )
})

it('seals as an implementation of the whole does', () => {
  const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size })
  fc.assert(
    fc.property(bytes(32), bytes(24), fc.uint8Array({ maxLength: 200 }), (key, nonce, plain) => {
      const options = { authTagLength: 16 }
      const cipher = createCipheriv('chacha20-poly1305', xchachaKey(key, nonce), xchachaNonce(nonce), options)
      const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
      expect(sealed).toEqual(Buffer.from(xchacha20poly1305(key, nonce).encrypt(plain)))
    }),
  )
})
