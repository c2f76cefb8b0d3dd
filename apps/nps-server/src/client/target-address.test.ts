import { expect, it } from 'vitest'
import { targetAddress } from './target-address.ts'

it.each([
  ['22', { host: '127.0.0.1', port: 22 }],
  ['example.org:80', { host: 'example.org', port: 80 }],
  ['[::1]:80', { host: '::1', port: 80 }],
])('%s is %o', (text, address) => {
  expect(targetAddress(text)).toEqual(address)
})

it.each(['', '0', '022', '65536', 'example.org', ':80'])('%j is no target', (text) => {
  expect(() => targetAddress(text)).toThrow(expect.objectContaining({ code: 'WIRE_ADDRESS' }))
})
