import { type Conn, type Dial, NetError } from '@sluice/net'
import { Collector, memoryConns } from '@sluice/net/testing'
import { createLog } from '@sluice/service'
import { STREAM_STATUS, type StreamHeader } from '@sluice/wire/bridge'
import { expect, it } from 'vitest'
import type { Cut } from './incoming-streams.ts'
import { serveTcp } from './serve-tcp.ts'

const header = { type: 'tcp', target: '127.0.0.1:9', visitor: '192.0.2.1:5' } as const
const log = createLog({ level: 'error', sink: { write: () => {} } })

const serve = (
  dial: Dial,
  more: Partial<Extract<StreamHeader, { type: 'tcp' }>> = {},
): { visitor: Conn; cut: Cut; done: Promise<void> } => {
  const [stream, visitor] = memoryConns()
  const cut: Cut = { onCut: undefined }
  const parts = { dial, traffic: { up: 0, down: 0 }, log }
  return { visitor, cut, done: serveTcp(stream, { ...header, ...more }, cut, parts) }
}

/** A dial that nobody answers, and that says why it was given up. */
const unanswered = (): { dial: Dial; givenUp: Promise<unknown> } => {
  const { promise: givenUp, resolve } = Promise.withResolvers<unknown>()
  const dial: Dial = (_target, signal) =>
    new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => {
        resolve(signal.reason)
        reject(signal.reason as Error)
      }),
    )
  return { dial, givenUp }
}

it('gives a dial up with its visitor', async () => {
  const { dial, givenUp } = unanswered()
  const { visitor, done } = serve(dial)
  visitor.write(Buffer.from('early'))
  visitor.reset()
  await givenUp
  await done
})

it('keeps what comes early for the target', async () => {
  const [near, far] = memoryConns()
  const target = new Collector(far)
  const dialled = Promise.withResolvers<Conn>()
  const { visitor } = serve(() => dialled.promise)
  const got = new Collector(visitor)
  visitor.write(Buffer.from('early'))
  visitor.end()
  await new Promise(setImmediate)
  dialled.resolve(near)
  await target.until(() => target.has('end'))
  expect(target.text).toBe('early')
  far.write(Buffer.from('answer'))
  far.end()
  await got.until(() => got.has('end'))
  expect(got.text).toBe('\0answer')
})

it.each([
  ['DIAL_REFUSED', STREAM_STATUS.DIAL_REFUSED],
  ['TARGET_DENIED', STREAM_STATUS.TARGET_DENIED],
  ['DIAL_TIMEOUT', STREAM_STATUS.DIAL_TIMEOUT],
] as const)('answers %s with one octet', async (code, status) => {
  const { visitor } = serve(() => Promise.reject(new NetError(code, 'no')))
  const got = new Collector(visitor)
  await got.until(() => got.has('end'))
  expect(got.bytes).toEqual(Buffer.of(status))
})

it.each([
  { target: 'none' },
  { target: '0' },
  { visitor: '?', proxy: { version: 1, to: '192.0.2.1:1' } } as const,
])('dials nobody for %o', async (wrong) => {
  const { visitor } = serve(() => Promise.reject(new Error('dialled')), wrong)
  const got = new Collector(visitor)
  await got.until(() => got.has('end'))
  expect(got.bytes).toEqual(Buffer.of(STREAM_STATUS.HANDSHAKE_INVALID))
})

it('resets both ends where it is cut', async () => {
  const [near, far] = memoryConns()
  const target = new Collector(far)
  const { visitor, cut, done } = serve(() => Promise.resolve(near))
  const got = new Collector(visitor)
  await got.until(() => got.size === 1)
  cut.onCut!(new Error('over'))
  await done
  await Promise.all([got.until(() => got.has('break')), target.until(() => target.has('break'))])
})
