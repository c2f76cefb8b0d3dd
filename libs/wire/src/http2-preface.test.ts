import { expect, test } from 'vitest'
import { isHttp2Preface } from './http2-preface.ts'
import { utf8 } from './testing/hex.ts'

const PREFACE = utf8('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

test('HTTP/2 is known once its preface is whole, and nothing of it is taken', () => {
  for (let size = 0; size < PREFACE.length; size += 1) {
    expect(isHttp2Preface(PREFACE.subarray(0, size))).toBeUndefined()
  }
  expect(isHttp2Preface(Buffer.concat([PREFACE, Buffer.of(0)]))).toEqual({ value: true, size: 0 })
})

test.each(['G', 'PRI * HTTP/1', 'PUT / HTTP/1.1', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r'])(
  '%j is none',
  (text) => {
    expect(isHttp2Preface(utf8(text))).toEqual({ value: false, size: 0 })
  },
)
