import { BufferPool } from '@sluice/net'
import { expect, it } from 'vitest'
import { FakeConn, FakeSink } from '../testing/fake-conn.ts'
import { NoiseConn } from './noise-conn.ts'
import { RecordOpener } from './record-opener.ts'
import { RecordSealer } from './record-sealer.ts'

const KEYS = { send: Buffer.alloc(32, 1), receive: Buffer.alloc(32, 2) }
const SECURED = { keys: KEYS, publicKey: new Uint8Array(32).fill(3), hash: new Uint8Array(32) }
const CUT = 'close the stream broke off before the other peer had ended it'

const bytesOf = (text: string): Uint8Array => Buffer.from(text)

/** The conn of one peer; the test is the other. */
const stage = (pool = new BufferPool()) => {
  const raw = new FakeConn()
  const conn = new NoiseConn(raw, SECURED, pool)
  const sink = new FakeSink()
  conn.attach(sink)
  const sealer = new RecordSealer(KEYS.receive)
  const opener = new RecordOpener(KEYS.send, new BufferPool())
  const said = (text: string): Uint8Array => {
    const out = Buffer.alloc(sealer.room(text.length))
    return out.subarray(0, sealer.seal(bytesOf(text), out))
  }
  /** What was written last, opened now: it is in a buffer that is only lent. */
  const heard = (): string => {
    const input = raw.written.at(-1)!
    const out = Buffer.alloc(opener.room(input.length))
    return out.subarray(0, opener.open(input, out)).toString()
  }
  return { raw, conn, sink, said, heard, sealer, opener }
}

it('brings what comes, opened, once it is resumed, and nothing of a part', () => {
  const { raw, conn, sink, said } = stage()
  expect(raw.paused).toBe(true)
  conn.resume()
  expect(raw.paused).toBe(false)
  const bytes = said('hello')
  raw.sink!.onData(bytes.subarray(0, 9))
  expect(sink.told).toEqual([])
  raw.sink!.onData(Buffer.concat([bytes.subarray(9), said(' '), said('you')]))
  expect(sink.told).toEqual(['data hello you'])
})

it('seals what is written, in one buffer for all as long as it goes out at once', () => {
  const { raw, conn, heard } = stage()
  expect([conn.write(bytesOf('one')), heard()]).toEqual([true, 'one'])
  expect([conn.write(bytesOf('two')), heard()]).toEqual([true, 'two'])
  expect(raw.written[1]!.buffer).toBe(raw.written[0]!.buffer)
  expect([conn.write(bytesOf('')), raw.written.length]).toEqual([true, 2])
})

it('leaves a buffer alone until what waits in it has gone', () => {
  const pool = new BufferPool()
  const [slow, quick] = [stage(pool), stage(pool)]
  slow.raw.isOpen = false
  expect(slow.conn.write(bytesOf('slow'))).toBe(false)
  quick.conn.write(bytesOf('quick'))
  expect([slow.heard(), quick.heard()]).toEqual(['slow', 'quick'])
  slow.raw.sink!.onDrain()
  expect(slow.sink.told).toEqual(['drain'])
  slow.conn.write(bytesOf('next'))
  expect(slow.raw.written[1]!.buffer).toBe(slow.raw.written[0]!.buffer)
})

it('lends its sink a chunk until that resumes, whatever other conns do meanwhile', () => {
  const pool = new BufferPool()
  const [one, other] = [stage(pool), stage(pool)]
  let lent: Uint8Array | undefined
  one.sink.onChunk = (chunk) => {
    lent = chunk
    one.conn.pause()
  }
  one.conn.resume()
  other.conn.resume()
  one.raw.sink!.onData(one.said('mine'))
  other.raw.sink!.onData(other.said('other'))
  other.conn.write(bytesOf('thing'))
  expect(Buffer.from(lent!).toString()).toBe('mine')
})

it('ends its direction with a record, behind what still waits to go out', () => {
  const { raw, conn, heard, opener } = stage()
  raw.isOpen = false
  conn.write(bytesOf('last'))
  conn.end()
  expect([heard(), raw.written.length, raw.calls]).toEqual(['last', 1, []])
  raw.sink!.onDrain()
  expect([heard(), opener.ended, raw.calls]).toEqual(['', true, ['end']])
  conn.end()
  expect([raw.written.length, raw.calls]).toEqual([2, ['end']])
})

it('tells the end that the other peer has sealed, and no other', () => {
  const { raw, conn, sink, said, sealer } = stage()
  conn.resume()
  raw.sink!.onData(Buffer.concat([said('bye'), sealer.end()]))
  expect(sink.told).toEqual(['data bye', 'end'])
  raw.sink!.onEnd()
  raw.sink!.onClose(undefined)
  expect(sink.told).toEqual(['data bye', 'end', 'close well'])
})

it('tells an end only when it is resumed', () => {
  const { raw, conn, sink, said, sealer } = stage()
  sink.onChunk = () => conn.pause()
  conn.resume()
  raw.sink!.onData(Buffer.concat([said('bye'), sealer.end()]))
  // As a socket may have closed in truth before a paused sink is told.
  raw.closed = true
  expect(sink.told).toEqual(['data bye'])
  conn.resume()
  expect(sink.told).toEqual(['data bye', 'end'])
})

it.each([
  ['an end', (raw: FakeConn) => raw.sink!.onEnd(), ['reset']],
  ['a close', (raw: FakeConn) => raw.sink!.onClose(undefined), []],
])('takes %s that nobody has sealed for a cut', (_name, happen, calls) => {
  const { raw, conn, sink, said } = stage()
  conn.resume()
  raw.sink!.onData(Buffer.concat([said('half'), said('of it').subarray(0, 5)]))
  happen(raw)
  expect(sink.told).toEqual(['data half', CUT])
  expect([conn.closed, raw.calls]).toEqual([true, calls])
})

it('tells of a cut at once, even while it is paused, and of nothing after it', () => {
  const { raw, conn, sink } = stage()
  const below = raw.sink!
  below.onEnd()
  expect([sink.told, raw.sink]).toEqual([[CUT], undefined])
  conn.resume()
  expect(sink.told).toEqual([CUT])
})

it('closes where something does not open', () => {
  const { raw, conn, sink, said } = stage()
  conn.resume()
  const bytes = said('hello')
  bytes[4]! ^= 1
  raw.sink!.onData(bytes)
  expect([sink.told, raw.calls, conn.closed]).toEqual([
    ['close a record that does not open'],
    ['reset'],
    true,
  ])
})

it('closes where something follows the end', () => {
  const { raw, conn, sink, said, sealer } = stage()
  conn.resume()
  raw.sink!.onData(sealer.end())
  raw.sink!.onData(said('more'))
  expect(sink.told).toEqual(['end', 'close octets behind the end of a stream'])
})

it('passes on why the conn below broke', () => {
  const { raw, conn, sink, sealer } = stage()
  conn.resume()
  raw.sink!.onData(sealer.end())
  raw.sink!.onClose(new Error('reset'))
  expect(sink.told).toEqual(['end', 'close reset'])
})

it('is not surprised by an end that this side has made', () => {
  for (const give of ['destroy', 'reset'] as const) {
    const { raw, conn, sink } = stage()
    conn[give]()
    raw.sink!.onClose(undefined)
    expect([raw.calls, sink.told]).toEqual([[give], ['close well']])
  }
})

it('keeps what comes while nobody is there, and tells the next sink of what has passed', () => {
  const { raw, conn, said, sealer } = stage()
  conn.attach(undefined)
  expect(raw.sink).toBeUndefined()
  conn.attach(new FakeSink())
  conn.resume()
  raw.sink!.onData(sealer.end())
  const next = new FakeSink()
  conn.attach(next)
  expect([raw.paused, next.told]).toEqual([true, []])
  conn.resume()
  expect([raw.paused, next.told]).toEqual([false, ['end']])
  raw.sink!.onData(said('too late'))
  const last = new FakeSink()
  conn.attach(last)
  expect(last.told).toEqual([])
  conn.resume()
  expect(last.told).toEqual(['close octets behind the end of a stream'])
})

it('brings once more what was put back, in front of what comes', () => {
  const { raw, conn, sink, said } = stage()
  sink.onChunk = (chunk) => {
    sink.onChunk = () => {}
    conn.pause()
    conn.unread(chunk.subarray(2))
    conn.unread(chunk.subarray(0, 2))
  }
  conn.resume()
  raw.sink!.onData(said('early'))
  conn.resume()
  raw.sink!.onData(said('more'))
  expect(sink.told).toEqual(['data early', 'data early', 'data more'])
})

it('passes on all else', () => {
  const { raw, conn } = stage()
  conn.readLimit = 77
  expect([raw.readLimit, conn.readLimit, conn.remote, conn.local]).toEqual([77, 77, raw.remote, raw.local])
  expect([conn.closed, conn.publicKey]).toEqual([false, SECURED.publicKey])
})
