import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { connect } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { decodeClientHello } from './client-hello.ts'
import { CLIENT_HELLO, CLIENT_HELLO_IN_TWO } from './testing/client-hello-vectors.ts'
import { codeOf } from './testing/code-of.ts'
import { hex } from './testing/hex.ts'

const TAIL = Buffer.from('tail')
/** As is, but for the bytes at some offset. */
const patched = (at: number, bytes: string): Uint8Array => {
  const copy = Uint8Array.from(CLIENT_HELLO)
  copy.set(hex(bytes), at)
  return copy
}
const CRUMB = '16 03 01 00 01 00 '
const NAME_AT = Buffer.from(CLIENT_HELLO).indexOf('Example.com')

describe.each([
  ['one record', CLIENT_HELLO],
  ['two records', CLIENT_HELLO_IN_TWO],
])('in %s', (_, bytes) => {
  test('it says which server is meant, and takes nothing behind it', () => {
    expect(decodeClientHello(Buffer.concat([bytes, TAIL]))).toEqual({
      value: { serverName: 'example.com' },
      size: bytes.length,
    })
  })

  test('it is not there before it is whole', () => {
    for (let size = 0; size < bytes.length; size += 1) {
      expect(decodeClientHello(bytes.subarray(0, size))).toBeUndefined()
    }
  })
})

test.each([
  ['HTTP', Buffer.from('GET / HTTP/1.1'), 'WIRE_SYNTAX'],
  ['SSH', Buffer.from('SSH-2.0'), 'WIRE_SYNTAX'],
  ['an alert', hex('15 03 01'), 'WIRE_SYNTAX'],
  ['SSL 2', hex('80 2e 01 00 02'), 'WIRE_SYNTAX'],
  ['an empty record', hex('16 03 01 00 00'), 'WIRE_SYNTAX'],
  ['a record that is too long', hex('16 03 01 40 01'), 'WIRE_SYNTAX'],
  ['another message', hex('16 03 01 00 04 02'), 'WIRE_SYNTAX'],
  ['a message that is too long', hex('16 03 01 00 04 01 01 00 00'), 'WIRE_TOO_LONG'],
  [
    'a message cut into crumbs',
    hex(`16 03 01 00 01 01 ${CRUMB} 16 03 01 00 01 10 ${CRUMB.repeat(20)}`),
    'WIRE_TOO_LONG',
  ],
  ['a list that is longer than the message', patched(43, 'ff'), 'WIRE_SYNTAX'],
  ['a name with a blank', patched(NAME_AT, '20'), 'WIRE_SYNTAX'],
  ['a name with a NUL', patched(NAME_AT, '00'), 'WIRE_SYNTAX'],
  ['a name that begins with a dot', patched(NAME_AT, '2e'), 'WIRE_SYNTAX'],
  ['an empty list of names', patched(NAME_AT - 5, '00 00'), undefined],
])('%s', (_, bytes, code) => {
  expect(codeOf(() => decodeClientHello(bytes))).toBe(code)
})

test.each(['Foo.Example', undefined])('what Node sends is read: %s', async (servername) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({ host: '127.0.0.1', port, ...(servername !== undefined && { servername }) })
  client.on('error', () => {})
  const [socket] = (await once(server, 'connection')) as [Socket]
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  expect(decodeClientHello(chunk)).toEqual({
    value: { serverName: servername?.toLowerCase() },
    size: chunk.length,
  })
  client.destroy()
  socket.destroy()
  server.close()
})
