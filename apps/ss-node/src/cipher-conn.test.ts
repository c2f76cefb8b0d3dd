import { BufferPool } from '@sluice/net'
import { WireError } from '@sluice/wire'
import type { Opener, Sealer } from '@sluice/wire/shadowsocks'
import { expect, it } from 'vitest'
import { CipherConn } from './cipher-conn.ts'
import { SampledTimer } from './sampled-timer.ts'
import { FakeConn, FakeSink } from './testing/fake-conn.ts'

const observer = { observe: (): void => {} }
const timers = { encrypt: new SampledTimer(observer), decrypt: new SampledTimer(observer) }

const bytesOf = (text: string): Uint8Array => Buffer.from(text)
const textOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()

/** Opens by leaving out dots, so that what comes is longer than what it means; a hash does not open. */
const opener: Opener = {
  room: (bytes) => bytes,
  open: (input, out) => {
    if (input.includes(35)) throw new WireError('WIRE_SEAL', 'changed')
    const plain = input.filter((byte) => byte !== 46)
    out.set(plain)
    return plain.length
  },
}
/** Seals by putting a dot in front. */
const sealer: Sealer = {
  room: (bytes) => bytes + 1,
  seal: (plain, out) => {
    out.set([46])
    out.set(plain, 1)
    return plain.length + 1
  },
}

const stage = (early = '') => {
  const raw = new FakeConn()
  const pool = new BufferPool()
  const sink = new FakeSink()
  const conn = new CipherConn(raw, { opener, sealer, early: bytesOf(early), pool, timers })
  conn.attach(sink)
  return { raw, sink, conn, pool }
}

it('brings what came with the request first, once it is resumed, and then what comes, opened', () => {
  const { raw, sink, conn } = stage('early')
  expect([raw.paused, sink.told]).toEqual([true, []])
  conn.resume()
  expect([raw.paused, sink.told]).toEqual([false, ['data early']])
  raw.sink!.onData(bytesOf('.a.b'))
  expect(sink.told.slice(1)).toEqual(['data ab'])
})

it('brings nothing where only a part of a piece has come', () => {
  const { raw, sink, conn } = stage()
  conn.resume()
  raw.sink!.onData(bytesOf('...'))
  expect(sink.told).toEqual([])
})

it('stays paused where the early data already is too much', () => {
  const { raw, sink, conn } = stage('early')
  sink.onChunk = () => conn.pause()
  conn.resume()
  expect([raw.paused, sink.told]).toEqual([true, ['data early']])
  conn.resume()
  expect([raw.paused, sink.told]).toEqual([false, ['data early']])
})

it('lends its sink a chunk until that resumes, whatever other conns do meanwhile', () => {
  const one = stage()
  const raw = new FakeConn()
  const other = new CipherConn(raw, { opener, sealer, early: bytesOf(''), pool: one.pool, timers })
  other.attach(new FakeSink())
  let lent: Uint8Array | undefined
  one.sink.onChunk = (chunk) => {
    lent = chunk
    one.conn.pause()
  }
  one.conn.resume()
  other.resume()
  one.raw.sink!.onData(bytesOf('mine'))
  raw.sink!.onData(bytesOf('other'))
  other.write(bytesOf('thing'))
  expect(textOf(lent)).toBe('mine')
  one.conn.resume()
  raw.sink!.onData(bytesOf('later'))
  expect(textOf(lent)).toBe('late')
})

it('brings once more what was put back, in front of what comes', () => {
  const { raw, sink, conn } = stage('early')
  sink.onChunk = (chunk) => {
    sink.onChunk = () => {}
    conn.pause()
    conn.unread(chunk.subarray(2))
    conn.unread(chunk.subarray(0, 2))
  }
  conn.resume()
  conn.resume()
  raw.sink!.onData(bytesOf('more'))
  expect(sink.told).toEqual(['data early', 'data early', 'data more'])
})

it('keeps what comes while nobody is there, and pauses', () => {
  const { raw, sink, conn } = stage('early')
  sink.onChunk = () => conn.attach(undefined)
  conn.resume()
  expect(raw.sink).toBeUndefined()
  const next = new FakeSink()
  conn.attach(next)
  conn.resume()
  raw.sink!.onData(bytesOf('x'))
  expect(next.told).toEqual(['data x'])
})

it('seals what is written, in one buffer for all as long as it goes out at once', () => {
  const { raw, conn } = stage()
  expect([conn.write(bytesOf('ab')), textOf(raw.written[0])]).toEqual([true, '.ab'])
  expect(conn.write(bytesOf('cd'))).toBe(true)
  expect(raw.written[1]!.buffer).toBe(raw.written[0]!.buffer)
})

it('leaves a buffer alone until what waits in it has gone', () => {
  const { raw, sink, conn, pool } = stage()
  raw.isOpen = false
  expect(conn.write(bytesOf('slow'))).toBe(false)
  const other = new FakeConn()
  const quick = new CipherConn(other, { opener, sealer, early: bytesOf(''), pool, timers })
  quick.write(bytesOf('quick'))
  expect([textOf(raw.written[0]), textOf(other.written[0])]).toEqual(['.slow', '.quick'])
  raw.sink!.onDrain()
  expect(sink.told).toEqual(['drain'])
  raw.isOpen = true
  conn.write(bytesOf('next'))
  expect(raw.written[1]!.buffer).toBe(raw.written[0]!.buffer)
})

it('writes nothing of nothing', () => {
  const { raw, conn } = stage()
  expect([conn.write(bytesOf('')), raw.written]).toEqual([true, []])
})

it('passes on all else', () => {
  const { raw, sink, conn } = stage()
  conn.readLimit = 77
  conn.end()
  conn.reset()
  conn.destroy()
  raw.sink!.onEnd()
  raw.sink!.onClose(undefined)
  raw.closed = true
  expect(raw.calls).toEqual(['end', 'reset', 'destroy'])
  expect([raw.readLimit, conn.readLimit, conn.closed, conn.remote, conn.local]).toEqual([
    77,
    77,
    true,
    raw.remote,
    raw.local,
  ])
  expect(sink.told).toEqual(['end', 'close well'])
})

it('says nothing of a piece that does not open, and drops what follows, but does not let it end well', () => {
  const { raw, sink, conn } = stage()
  conn.resume()
  raw.sink!.onData(bytesOf('good'))
  raw.sink!.onData(bytesOf('ba#d'))
  raw.sink!.onData(bytesOf('lost'))
  expect([sink.told, raw.calls, raw.paused]).toEqual([['data good'], [], false])
  conn.write(bytesOf('down'))
  expect(textOf(raw.written[0])).toBe('.down')
  raw.sink!.onEnd()
  expect(sink.told.slice(1)).toEqual(['close changed'])
})

it('tells of a close after a piece that did not open what was wrong', () => {
  const { raw, sink, conn } = stage()
  conn.resume()
  raw.sink!.onData(bytesOf('#'))
  raw.sink!.onClose(undefined)
  expect(sink.told).toEqual(['close changed'])
})
