import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeSocksAddress } from '../socks-address.ts'
import { codeOf } from '../testing/code-of.ts'
import { WireError } from '../wire-error.ts'
import { openDatagram, sealDatagram } from './datagram.ts'
import { ssKey } from './key.ts'
import { ssMethod } from './method.ts'
import { countUp, keyOf, methodsOf } from '../testing/ss-codecs.ts'

const address = { host: 'example.com', port: 80 }
const head = encodeSocksAddress(address)
const hello = Buffer.from('hello')
const saltOf = (method: string): Uint8Array => countUp(ssMethod(method)!.saltBytes)

// Confirmed against ss-server of shadowsocks-libev: password "foobar", salt 00 01 02…
const KNOWN = [
  [
    'aes-128-gcm',
    '000102030405060708090a0b0c0d0e0ffb450e7e79ea325fe392940ed011a76d438b588c9456cfe11e1804e4a14b631efff037a0',
  ],
  [
    'aes-256-gcm',
    '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f25f72e4cff9894ee5136655767010bb93ac2c5bc48e2b64f6c21b1b8cb165402282d0611',
  ],
  [
    'chacha20-ietf-poly1305',
    '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f5e9c418d226d29c24fe82c13e1acbed9b9cd1613226aad0609060385925452400438170d',
  ],
] as const

describe('known datagrams', () => {
  it.each(KNOWN)('of %s', (name, known) => {
    const key = ssKey(ssMethod(name)!, 'foobar')
    const bytes = Buffer.from(known, 'hex')
    expect(openDatagram(key, bytes)).toEqual({ salt: Buffer.from(saltOf(name)), address, payload: hello })
    expect(Buffer.from(sealDatagram(key, saltOf(name), head, hello)).toString('hex')).toBe(known)
  })

  it('of none are address and payload', () => {
    const bytes = sealDatagram(keyOf('none'), new Uint8Array(0), head, hello)
    expect(bytes).toEqual(Buffer.concat([head, hello]))
  })
})

describe.each(methodsOf('aead', 'stream', 'none'))('a datagram of %s', (name) => {
  const key = keyOf(name)
  const { saltBytes } = key.method

  it('is read as it was written', () => {
    const bytes = fc.uint8Array({ maxLength: 2000 })
    fc.assert(
      fc.property(bytes, fc.uint8Array({ minLength: saltBytes, maxLength: saltBytes }), (payload, salt) => {
        const opened = openDatagram(key, Buffer.from(sealDatagram(key, salt, head, payload)))
        expect(opened?.address).toEqual(address)
        expect(opened?.payload).toEqual(Buffer.from(payload))
        expect(opened?.salt).toEqual(Buffer.from(salt))
      }),
      { numRuns: 30 },
    )
  })

  it('gives an address, nothing or a WireError, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        codeOf(() => openDatagram(key, bytes))
      }),
    )
  })

  it('carries as much as UDP does', () => {
    const payload = Buffer.alloc(65_507 - head.length, 1)
    const opened = openDatagram(key, sealDatagram(key, saltOf(name), head, payload))
    expect(payload.equals(opened!.payload)).toBe(true)
    const seal = () => sealDatagram(key, saltOf(name), head, Buffer.alloc(65_536))
    expect(seal).toThrow(WireError)
  })
})

describe.each(methodsOf('aead'))('a datagram of %s', (name) => {
  const key = keyOf(name)
  const sealed = sealDatagram(key, saltOf(name), head, hello)

  it('opens with no other key', () => {
    expect(openDatagram(keyOf(name, 1), sealed)).toBeUndefined()
  })

  it('opens no more with any byte changed', () => {
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed)
      changed[at]! ^= 1 << (at % 8)
      expect(openDatagram(key, changed)).toBeUndefined()
    }
  })

  it('opens no more at any other length', () => {
    for (let end = 0; end < sealed.length; end++) {
      expect(openDatagram(key, sealed.subarray(0, end))).toBeUndefined()
    }
    expect(openDatagram(key, Buffer.concat([sealed, Buffer.of(0)]))).toBeUndefined()
  })

  it.each([
    ['no address', '', 'WIRE_LENGTH'],
    ['half an address', '017f0000', 'WIRE_LENGTH'],
    ['an address of another type', '0500000000', 'WIRE_ADDRESS_TYPE'],
    ['a name that is none', '0301000050', 'WIRE_ADDRESS'],
  ])('is wrong with %s in it', (_what, plain, code) => {
    const bytes = sealDatagram(key, saltOf(name), Buffer.from(plain, 'hex'), new Uint8Array(0))
    expect(codeOf(() => openDatagram(key, bytes))).toBe(code)
  })
})
