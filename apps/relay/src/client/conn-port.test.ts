import { NetError } from '@sluice/net'
import { WebSocketError } from '@sluice/net/ws'
import { encodeRelayFrame, RELAY_STATUS, type RelayFrame } from '@sluice/wire/relay'
import { expect, it } from 'vitest'
import { PeerError } from '../peer/peer-error.ts'
import { FakeConn } from '../testing/fake-conn.ts'
import { ConnPort, statusOfClose } from './conn-port.ts'

const PING: RelayFrame = { type: 'ping', opaque: new Uint8Array(8) }
const open = () => {
  const conn = new FakeConn()
  return { conn, port: new ConnPort(conn) }
}

it('sends frames, and reads them however they are split', async () => {
  const { conn, port } = open()
  port.send(PING)
  expect(conn.written).toEqual([encodeRelayFrame(PING)])
  const both = Buffer.concat([encodeRelayFrame(PING), encodeRelayFrame({ type: 'release' })])
  const first = port.read()
  for (const byte of both) conn.sink!.onData(Buffer.from([byte]))
  expect([await first, await port.read()]).toEqual([PING, { type: 'release' }])
})

it.each([
  ['an end', (conn: FakeConn) => conn.sink!.onEnd(), 'RELAY_CLOSED', 'the relay ended the connection'],
  ['a reset', (conn: FakeConn) => conn.sink!.onClose(new Error('ECONNRESET')), 'RELAY_CLOSED', 'ended'],
  ['what is no frame', (conn: FakeConn) => conn.sink!.onData(Buffer.alloc(16, 0xee)), 'RELAY_PROTOCOL', ''],
  [
    'a frame too long',
    (conn: FakeConn) => conn.sink!.onData(Buffer.from('02ffffff', 'hex')),
    'RELAY_PROTOCOL',
    '',
  ],
])('says so of %s', async (_name, act, code, message) => {
  const { conn, port } = open()
  const reading = port.read()
  act(conn)
  await expect(reading).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
})

it('ends what it waits for with its own close, and sends nothing any more', async () => {
  const { conn, port } = open()
  const reading = port.read()
  const error = new PeerError('RELAY_TIMEOUT', 'late')
  port.close(error)
  port.close()
  port.send(PING)
  await expect(reading).rejects.toBe(error)
  await expect(port.read()).rejects.toBe(error)
  expect([conn.calls, conn.written]).toEqual([['destroy'], []])
})

it('knows why a WebSocket was closed', async () => {
  const { DATA_LIMIT } = RELAY_STATUS
  const closed = (code: number): Error => new WebSocketError('WEBSOCKET_CLOSED', 'closed', code)
  expect(statusOfClose(closed(4000 + DATA_LIMIT))).toBe(DATA_LIMIT)
  expect(statusOfClose(new NetError('TARGET_RESET', 'x', { cause: closed(4001) }))).toBe(1)
  expect([statusOfClose(closed(1006)), statusOfClose(closed(4256)), statusOfClose('x')]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
  const { conn, port } = open()
  const reading = port.read()
  conn.sink!.onClose(closed(4000 + RELAY_STATUS.ADMIN_CLOSED))
  await expect(reading).rejects.toMatchObject({
    status: RELAY_STATUS.ADMIN_CLOSED,
    message: 'the relay ended the connection: ADMIN_CLOSED',
  })
})
