import { encodeRelayFrame, type RelayFrame } from '@sluice/wire/relay'
import { expect, it } from 'vitest'
import { noiseMessageDecoder } from '../noise/noise-message.ts'
import { PeerError } from '../peer/peer-error.ts'
import { FakeWebSocket } from '../testing/fake-web-socket.ts'
import { ManualTiming } from '../testing/manual-timing.ts'
import { RelaySocket } from './relay-socket.ts'

const PING: RelayFrame = { type: 'ping', opaque: new Uint8Array(8).fill(4) }
const bytes = encodeRelayFrame(PING)

const stage = () => {
  const raw = new FakeWebSocket()
  raw.peer = new FakeWebSocket()
  const timing = new ManualTiming()
  const socket = new RelaySocket(raw, timing)
  socket.opened.catch(() => {})
  const come = (chunk: Uint8Array): void => raw.tell('message', new Uint8Array(chunk).buffer)
  return { raw, timing, socket, come }
}

it('reads frames however they are cut', async () => {
  const { socket, come, raw } = stage()
  expect(raw.binaryType).toBe('arraybuffer')
  const all = Buffer.concat([bytes, bytes, bytes])
  for (let size = 1; size <= all.length; size++) {
    for (let at = 0; at < all.length; at += size) come(all.subarray(at, at + size))
    for (let n = 0; n < 3; n++) expect(await socket.read()).toEqual(PING)
  }
})

it('waits for what is still to come', async () => {
  const { socket, come } = stage()
  const read = socket.read()
  for (const byte of bytes) come(Uint8Array.of(byte))
  expect(await read).toEqual(PING)
  socket.send(PING)
})

it('leaves what follows a frame to the circuit', async () => {
  const { socket, come } = stage()
  come(Buffer.concat([bytes, Buffer.of(0, 2, 8, 9)]))
  await socket.read()
  expect(await socket.take(noiseMessageDecoder(9))).toEqual(Uint8Array.of(8, 9))
})

it('reads what came before an end, a cut or a close', async () => {
  for (const happen of [
    (raw: FakeWebSocket) => raw.tell('message', new ArrayBuffer(0)),
    (raw: FakeWebSocket) => raw.tell('close', undefined, 1000),
    (raw: FakeWebSocket) => raw.tell('close', undefined, 4033),
  ]) {
    const { socket, come, raw } = stage()
    come(bytes)
    happen(raw)
    expect(await socket.read()).toEqual(PING)
    await expect(socket.read()).rejects.toBeInstanceOf(PeerError)
  }
})

it.each([
  [1006, 'RELAY_CLOSED', undefined],
  [4033, 'PEER_RESET', 33],
  [4256, 'RELAY_CLOSED', undefined],
])('ends a read that is under way with what code %i means', async (code, error, status) => {
  const { socket, raw } = stage()
  const read = socket.read()
  raw.tell('close', undefined, code)
  await expect(read).rejects.toMatchObject({ code: error, status })
  await expect(socket.opened).rejects.toMatchObject({ code: error })
  await expect(socket.drained()).rejects.toMatchObject({ code: error })
  socket.send(PING)
  expect(raw.sent).toEqual([])
})

it('takes nothing that is not a frame, and nothing behind an end', async () => {
  const { socket, come } = stage()
  come(Uint8Array.of(0xff))
  await expect(socket.read()).rejects.toMatchObject({ code: 'RELAY_PROTOCOL' })
  const other = stage()
  other.come(new Uint8Array(0))
  other.come(bytes)
  expect(other.raw.closedWith).toBe(4007)
})

it('has its writers wait while much has not been sent', async () => {
  const { socket, raw, timing } = stage()
  await socket.drained()
  raw.bufferedAmount = 2_000_000
  let isDrained = false
  const drained = socket.drained().then(() => (isDrained = true))
  for (const amount of [1_500_000, 900_000]) {
    await expect.poll(() => timing.due.length).toBe(1)
    expect(isDrained).toBe(false)
    raw.bufferedAmount = amount
    timing.advance(10)
  }
  expect(await drained).toBe(true)
})

it('is filled by nobody beyond 64 MiB', async () => {
  const { come, raw, socket } = stage()
  const mebibyte = new Uint8Array(1024 * 1024)
  for (let n = 0; n < 64; n++) come(mebibyte)
  expect(raw.closedWith).toBeUndefined()
  come(Uint8Array.of(1))
  expect(raw.closedWith).toBe(4035)
  await expect(socket.drained()).rejects.toMatchObject({ code: 'PEER_OVERRUN' })
})

it('sends no message of more than 64 KiB, and an empty one only to end', () => {
  const { socket, raw } = stage()
  socket.write(new Uint8Array(0))
  socket.write(new Uint8Array(65_537))
  socket.end()
  expect(raw.sent.map(({ length }) => length)).toEqual([65_536, 1, 0])
})

it('tells why it closes, once', () => {
  const { socket, raw } = stage()
  socket.reset(new Error('no'), 12)
  socket.close()
  expect(raw.closedWith).toBe(4012)
  const other = stage()
  other.socket.close()
  expect(other.raw.closedWith).toBe(1000)
})
