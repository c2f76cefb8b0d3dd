import { createServer, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { once } from 'node:events'
import { createSealer, decodeSsRequest, ssKey, ssMethod } from '@sluice/wire/shadowsocks'
import { expect, it } from 'vitest'
import { portOf } from './echo.ts'
import { SsTunnel } from './ss-tunnel.ts'

const key = ssKey(ssMethod('aes-256-gcm')!, 'secret')
const TARGET = { host: '192.0.2.1', port: 80 }

/** A server of one connection, which `answer` is given with the whole of what came. */
const serve = async (answer: (socket: Socket, plain: Buffer) => void): Promise<number> => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    server.close()
    void buffer(socket.on('error', () => undefined)).then((bytes) => answer(socket, opened(bytes)))
  })
  return portOf(server)
}

function opened(bytes: Buffer): Buffer {
  const { value, size } = decodeSsRequest(key)(bytes)!
  const rest = bytes.subarray(size)
  const out = Buffer.alloc(value.opener.room(rest.length))
  return Buffer.concat([value.early, out.subarray(0, value.opener.open(rest, out))])
}

function sealed(plain: Uint8Array): Uint8Array {
  const sealer = createSealer(key, new Uint8Array(32))
  const out = new Uint8Array(sealer.room(plain.length))
  return out.subarray(0, sealer.seal(plain, out))
}

it('carries bytes both ways, with the end of each', async () => {
  const port = await serve((socket, plain) => socket.end(sealed(Buffer.concat([plain, plain]))))
  const tunnel = await SsTunnel.open({ port, key }, TARGET, Buffer.from('early '))
  const said = Buffer.alloc(500_000, 'x')
  tunnel.end(said)
  expect(await buffer(tunnel)).toHaveLength(2 * (said.length + 6))
})

it('closes without an end where it is reset', async () => {
  const port = await serve((socket) => socket.resetAndDestroy())
  const tunnel = await SsTunnel.open({ port, key }, TARGET)
  const closed = once(tunnel, 'close')
  tunnel.resume().end('a')
  await closed
  expect(tunnel.readableEnded).toBe(false)
})

it('closes where what comes was sealed for somebody else', async () => {
  const port = await serve((socket) => socket.end(Buffer.alloc(200, 1)))
  const tunnel = await SsTunnel.open({ port, key }, TARGET)
  const closed = once(tunnel, 'close')
  tunnel.resume().end('a')
  await closed
  expect(tunnel.readableEnded).toBe(false)
})
