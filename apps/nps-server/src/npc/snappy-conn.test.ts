import { describe, expect, it } from 'vitest'
import type { Conn } from '@sluice/net'
import { SnappyConn } from './snappy-conn.ts'

/** The far end of a conn that the test plays. */
class FakeBase {
  readonly written: Buffer[] = []
  readonly sink: { current: Parameters<Conn['attach']>[0] } = { current: undefined }
  isPaused = false
  isFree = true
  resets = 0
  readonly conn = {
    remote: { host: 'r', port: 1 },
    local: { host: 'l', port: 2 },
    closed: false,
    readLimit: 7,
    attach: (sink: Parameters<Conn['attach']>[0]) => void (this.sink.current = sink),
    pause: () => void (this.isPaused = true),
    resume: () => void (this.isPaused = false),
    unread: () => {},
    write: (chunk: Uint8Array) => this.written.push(Buffer.from(chunk)) > 0 && this.isFree,
    end: () => {},
    destroy: () => {},
    reset: () => void (this.resets += 1),
  } satisfies Conn
}

/** The stream’s name, and 'hello' in a plain chunk; the checksum is of another hand. */
const NAME = 'ff060000734e61507059'
const HELLO = `01090000bb1f1c19${Buffer.from('hello').toString('hex')}`

const events = (conn: Conn, onData: (chunk: Buffer) => void = () => {}): string[] => {
  const told: string[] = []
  conn.attach({
    onData: (chunk) => {
      told.push(Buffer.from(chunk).toString())
      onData(Buffer.from(chunk))
    },
    onEnd: () => told.push('END'),
    onDrain: () => told.push('DRAIN'),
    onClose: (error) => told.push(`CLOSE ${String((error as { code?: string } | undefined)?.code)}`),
  })
  conn.resume()
  return told
}

const framesOf = (...texts: string[]): Buffer => {
  const base = new FakeBase()
  const conn = new SnappyConn(base.conn)
  for (const text of texts) conn.write(Buffer.from(text))
  return Buffer.concat(base.written)
}

describe('SnappyConn', () => {
  it('writes the name once, and then chunks', () => {
    expect(framesOf('hello', 'hello').toString('hex')).toBe(NAME + HELLO + HELLO)
  })

  it('reads chunks however they are cut, and has the addresses of the conn below', () => {
    const base = new FakeBase()
    const conn = new SnappyConn(base.conn)
    const told = events(conn)
    for (const byte of framesOf('one', 'two')) base.sink.current!.onData(Uint8Array.of(byte))
    base.sink.current!.onEnd()
    expect(told).toEqual(['one', 'two', 'END'])
    expect([conn.remote.host, conn.local.host, conn.readLimit]).toEqual(['r', 'l', 7])
  })

  it('holds back what its reader does not take, and with it the conn below', () => {
    const base = new FakeBase()
    const conn = new SnappyConn(base.conn)
    const told = events(conn, () => conn.pause())
    base.sink.current!.onData(framesOf('one', 'two', 'three'))
    expect([told, base.isPaused]).toEqual([['one'], true])
    conn.resume()
    conn.unread(Buffer.from('two again'))
    expect([told, base.isPaused]).toEqual([['one', 'two'], true])
    conn.resume()
    conn.resume()
    expect(told).toEqual(['one', 'two', 'two again', 'three'])
    conn.resume()
    expect(base.isPaused).toBe(false)
  })

  it('keeps what comes while nobody reads', () => {
    const base = new FakeBase()
    const conn = new SnappyConn(base.conn)
    events(conn)
    const { current } = base.sink
    conn.attach(undefined)
    current!.onData(framesOf('kept'))
    expect(base.isPaused).toBe(true)
    expect(events(conn)).toEqual(['kept'])
  })

  it('leaves what is on its way as it is until the conn below has drained', () => {
    const base = new FakeBase()
    base.isFree = false
    const lent: Uint8Array[] = []
    const conn = new SnappyConn({
      ...base.conn,
      write: (chunk) => {
        lent.push(chunk)
        return false
      },
    })
    const told = events(conn)
    expect(conn.write(Buffer.from('first'))).toBe(false)
    conn.write(Buffer.from('again'))
    expect(Buffer.from(lent[0]!).toString('latin1')).toContain('first')
    base.sink.current?.onDrain()
    expect(told).toEqual(['DRAIN'])
  })

  it('ends with an error where what comes is not of the format', () => {
    const base = new FakeBase()
    const told = events(new SnappyConn(base.conn))
    base.sink.current!.onData(Buffer.from('GET / HTTP/1.1\r\n'))
    expect([told, base.resets]).toEqual([['CLOSE WIRE_VERSION'], 1])
  })
})
