import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { isPreface } from './preface.ts'

const PREFACE = '50 52 49 20 2a 20 48 54 54 50 2f 32 2e 30 0d 0a 0d 0a 53 4d 0d 0a 0d 0a'
const bytes = Buffer.from(PREFACE.replaceAll(' ', ''), 'hex')

it('is known when it is whole, and stays unread', () => {
  for (let length = 0; length < bytes.length; length += 1) {
    expect(isPreface(bytes.subarray(0, length))).toBeUndefined()
  }
  expect(isPreface(bytes)).toEqual({ value: true, size: 0 })
  expect(isPreface(Buffer.concat([bytes, Buffer.of(0)]))).toEqual({ value: true, size: 0 })
})

it('is anything else as soon as a byte differs', () => {
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.uint8Array(), (length, tail) => {
      const other = Buffer.concat([bytes.subarray(0, length), Buffer.of(bytes[length]! ^ 1), tail])
      expect(isPreface(other)).toEqual({ value: false, size: 0 })
    }),
  )
})
