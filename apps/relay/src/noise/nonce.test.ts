import { expect, it } from 'vitest'
import { Nonce } from './nonce.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

it('counts behind four octets of 0, big-endian', () => {
  const nonce = new Nonce()
  expect([hex(nonce.next()), hex(nonce.next())]).toEqual(['00'.repeat(12), `${'00'.repeat(11)}01`])
  expect(hex(new Nonce(0xffffffff).next())).toBe('0000000000000000ffffffff')
  expect(hex(new Nonce(2 ** 32 + 2).next())).toBe('000000000000000100000002')
})

it('ends before one would come twice', () => {
  const nonce = new Nonce(Number.MAX_SAFE_INTEGER - 1)
  expect(hex(nonce.next())).toBe('00000000001ffffffffffffe')
  expect(() => nonce.next()).toThrow(expect.objectContaining({ code: 'PEER_EXHAUSTED' }))
})
