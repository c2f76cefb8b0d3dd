import { PassThrough, Writable } from 'node:stream'
import { expect, it } from 'vitest'
import { FakeSink } from '../testing/fake-conn.ts'
import { StreamConn } from './stream-conn.ts'

const open = (output: Writable = new PassThrough()) => {
  const input = new PassThrough()
  const conn = new StreamConn(input, output)
  const sink = new FakeSink()
  conn.attach(sink)
  return { input, output, conn, sink }
}

it('tells what comes, and its end, while it is not paused', async () => {
  const { input, conn, sink } = open()
  input.write('a')
  input.end('b')
  conn.resume()
  await expect.poll(() => sink.told.at(-1)).toBe('end')
  expect(sink.told.join('').replaceAll('data ', '')).toBe('abend')
})

it('keeps what comes while nobody takes it, behind what was put back', async () => {
  const { input, conn, sink } = open()
  sink.onChunk = () => conn.pause()
  conn.resume()
  input.write('first')
  await expect.poll(() => sink.told).toEqual(['data first'])
  conn.attach(undefined)
  input.write('second')
  conn.unread(Buffer.from('first, '))
  const next = new FakeSink()
  conn.attach(next)
  conn.resume()
  await expect.poll(() => next.told).toEqual(['data first, ', 'data second'])
})

it('is over once both sides have ended', async () => {
  const { input, output, conn, sink } = open()
  conn.resume()
  conn.write(Buffer.from('bye'))
  conn.end()
  expect(conn.closed).toBe(false)
  input.end()
  await expect.poll(() => sink.told).toEqual(['end', 'close well'])
  expect((output as PassThrough).read().toString()).toBe('bye')
})

it('says when it cannot take more, and when it can again', async () => {
  let release = (): void => {}
  const slow = new Writable({ write: (_chunk, _encoding, done) => void (release = done) })
  const { conn, sink } = open(slow)
  conn.resume()
  expect(conn.write(Buffer.from('x'))).toBe(false)
  expect(sink.told).toEqual([])
  release()
  await expect.poll(() => sink.told).toEqual(['drain'])
})

it('breaks with its streams', async () => {
  const { input, conn, sink } = open()
  input.destroy(new Error('gone'))
  await expect.poll(() => sink.told).toEqual(['close gone'])
  expect([conn.closed, conn.write(Buffer.from('x'))]).toEqual([true, true])
})
