import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codeOf } from '../testing/code-of.ts'
import { countUp } from '../testing/ss-codecs.ts'
import { encodeRelayFrame } from './encode-frame.ts'
import type { Challenge, Hello } from './frame.ts'
import { clientProof, decodeVoucher, encodeVoucher, NO_BINDING, relayProof, voucherProof } from './proof.ts'

const hello: Hello = {
  type: 'hello',
  minVersion: 1,
  maxVersion: 1,
  capabilities: 1,
  publicKey: countUp(32, 1),
  nonce: countUp(32, 40),
}
const challenge: Challenge = {
  type: 'challenge',
  version: 1,
  capabilities: 1,
  publicKey: countUp(32, 80),
  nonce: countUp(32, 120),
  signature: countUp(64, 160),
}
const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest()

describe('what is signed', () => {
  const binding = countUp(32, 200)

  test('by a relay: its role, HELLO, CHALLENGE without the signature, the binding', () => {
    const digest = sha256(encodeRelayFrame(hello), encodeRelayFrame(challenge).subarray(0, -64))
    expect(Buffer.from(relayProof(hello, challenge, binding))).toEqual(
      Buffer.concat([Buffer.from('sluice-relay/1 relay\0'), digest, binding]),
    )
  })

  test('by a client: its role, HELLO, the whole CHALLENGE, the binding', () => {
    const digest = sha256(encodeRelayFrame(hello), encodeRelayFrame(challenge))
    expect(Buffer.from(clientProof(hello, challenge, NO_BINDING))).toEqual(
      Buffer.concat([Buffer.from('sluice-relay/1 client\0'), digest, new Uint8Array(32)]),
    )
  })

  test('differs when any octet of the frames or the binding does, and between the roles', () => {
    const all: [Hello, Challenge, Uint8Array][] = [
      [hello, challenge, binding],
      [{ ...hello, maxVersion: 2 }, challenge, binding],
      [{ ...hello, capabilities: 3 }, challenge, binding],
      [{ ...hello, publicKey: countUp(32) }, challenge, binding],
      [{ ...hello, nonce: countUp(32) }, challenge, binding],
      [hello, { ...challenge, version: 2 }, binding],
      [hello, { ...challenge, capabilities: 0 }, binding],
      [hello, { ...challenge, publicKey: countUp(32) }, binding],
      [hello, { ...challenge, nonce: countUp(32) }, binding],
      [hello, challenge, NO_BINDING],
    ]
    const signed = all.flatMap((parts) => [relayProof(...parts), clientProof(...parts)])
    expect(new Set(signed.map((bytes) => Buffer.from(bytes).toString('hex'))).size).toBe(2 * all.length)
  })

  test('by the relay does not depend on its own signature, by the client it does', () => {
    const other = { ...challenge, signature: countUp(64) }
    expect(relayProof(hello, other, binding)).toEqual(relayProof(hello, challenge, binding))
    expect(clientProof(hello, other, binding)).not.toEqual(clientProof(hello, challenge, binding))
  })
})

describe('a voucher', () => {
  const body = { relay: countUp(32, 1), peer: countUp(32, 40), expire: 1_700_000_000 }
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), countUp(32)])
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })

  test('is its relay, its peer, its end and a signature over those', () => {
    const signature = new Uint8Array(sign(null, voucherProof(body), key))
    const bytes = encodeVoucher({ ...body, signature })
    expect(bytes.length).toBe(136)
    const decoded = decodeVoucher(bytes)
    expect(decoded).toEqual({ ...body, signature })
    expect(verify(null, voucherProof(decoded), createPublicKey(key), decoded.signature)).toBe(true)
    expect(verify(null, voucherProof({ ...body, expire: 1 }), createPublicKey(key), signature)).toBe(false)
    expect(Buffer.from(voucherProof(body))).toEqual(
      Buffer.concat([Buffer.from('sluice-relay/1 voucher\0'), bytes.subarray(0, 72)]),
    )
  })

  test('is any 136 octets, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200, size: 'max' }), (bytes) => {
        const code = codeOf(() => decodeVoucher(bytes))
        if (bytes.length !== 136) expect(code).toBe('WIRE_LENGTH')
        else if (code === undefined) expect(encodeVoucher(decodeVoucher(bytes))).toEqual(bytes)
        else expect(code).toBe('WIRE_VALUE')
      }),
    )
    expect(codeOf(() => decodeVoucher(new Uint8Array(136).fill(0xff)))).toBe('WIRE_VALUE')
  })
})
