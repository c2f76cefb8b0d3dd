import type { Decode } from '@sluice/wire'
import { describe, expect, it } from 'vitest'
import { NetError } from './net-error.ts'
import { Reader } from './reader.ts'
import { Collector } from './testing/collector.ts'
import { turns } from './testing/loopback.ts'
import { type MemoryConn, memoryConns } from './testing/memory-conn.ts'

const BAD = new Error('a line may not begin with !')

/** Text up to a newline. */
const line: Decode<string> = (bytes) => {
  if (bytes[0] === 0x21) throw BAD
  const end = bytes.indexOf(0x0a)
  return end < 0 ? undefined : { value: Buffer.from(bytes.subarray(0, end)).toString(), size: end + 1 }
}

const open = (
  maxBytes = 1000,
  readBytes = Infinity,
): { reader: Reader; conn: MemoryConn; peer: MemoryConn } => {
  const [conn, peer] = memoryConns({ readBytes: () => readBytes })
  return { reader: new Reader(conn, maxBytes), conn, peer }
}
const send = (peer: MemoryConn, text: string): boolean => peer.write(Buffer.from(text))

/** What a read comes to, a throw at once included. */
const outcome = async (read: () => unknown): Promise<unknown> => {
  try {
    return await read()
  } catch (error) {
    return error instanceof NetError ? error.code : error
  }
}

describe('reading', () => {
  it('gives values as their bytes come, one at a time', async () => {
    const { reader, peer } = open(1000, 1)
    const first = reader.read(line)
    expect(first).toBeInstanceOf(Promise)
    send(peer, 'one\ntwo\n')
    expect([await first, await reader.read(line)]).toEqual(['one', 'two'])
  })

  it('gives a value that is there already at once', async () => {
    const { reader, peer } = open()
    send(peer, 'one\ntwo\nrest')
    await turns()
    expect([reader.peek(), reader.read(line), reader.read(line), reader.peek()]).toEqual([
      'o'.charCodeAt(0),
      'one',
      'two',
      'r'.charCodeAt(0),
    ])
  })

  it('reads again what is put back, and leaves it to who has the conn next', async () => {
    const { reader, conn, peer } = open()
    send(peer, 'one\ntwo\n')
    await turns()
    expect(reader.read(line)).toBe('one')
    reader.unread(Buffer.from('one\n'))
    expect([reader.read(line), reader.read(line)]).toEqual(['one', 'two'])
    reader.unread(Buffer.from('two\n'))
    send(peer, 'three\n')
    const next = new Reader(reader.release(), 1000)
    expect([conn, await next.read(line), await next.read(line)]).toEqual([next.conn, 'two', 'three'])
  })

  it('waits for the first byte', async () => {
    const { reader, peer } = open()
    const first = reader.peek()
    send(peer, 'x\n')
    expect([await first, await reader.read(line)]).toEqual([0x78, 'x'])
  })

  it('throws what the decoder throws, at once or when the bytes come, and from then on', async () => {
    const { reader, peer } = open()
    const waiting = outcome(() => reader.read(line))
    send(peer, '!')
    expect(await waiting).toBe(BAD)
    expect(await outcome(() => reader.peek())).toBe(BAD)
    const early = open()
    send(early.peer, '!')
    await turns()
    expect(() => early.reader.read(line)).toThrow(BAD)
  })
})

describe('too long', () => {
  it('refuses a message that is not whole within the limit', async () => {
    const { reader, peer } = open(8, 1)
    send(peer, '1234567\n12345678\n')
    expect(await outcome(() => reader.read(line))).toBe('1234567')
    expect(await outcome(() => reader.read(line))).toBe('HANDSHAKE_TOO_LONG')
  })

  it('refuses it at once where the bytes are there already', async () => {
    const { reader, peer } = open(8)
    send(peer, '123456789')
    await turns()
    expect(() => reader.read(line)).toThrow(expect.objectContaining({ code: 'HANDSHAKE_TOO_LONG' }))
  })

  it('pauses while nobody reads and the limit is reached, and goes on when somebody does', async () => {
    const { reader, conn, peer } = open(8, 1)
    send(peer, 'a\nb\nc\nd\ne\nf\n')
    await turns()
    expect(conn.paused).toBe(true)
    for (const each of ['a', 'b', 'c', 'd', 'e', 'f']) expect(await reader.read(line)).toBe(each)
    expect(conn.paused).toBe(false)
  })
})

describe('the end of the conn', () => {
  it('ends a read that waits', async () => {
    const { reader, peer } = open()
    const waiting = outcome(() => reader.read(line))
    send(peer, 'half')
    peer.end()
    expect(await waiting).toBe('CLIENT_CLOSED')
    expect(await outcome(() => reader.read(line))).toBe('CLIENT_CLOSED')
  })

  it('takes nothing from a client that half-closed behind its whole request', async () => {
    const { reader, peer } = open()
    send(peer, 'one\ntwo\nhal')
    peer.end()
    await turns()
    const said: unknown[] = []
    for (let i = 0; i < 3; i++) said.push(await outcome(() => reader.read(line)))
    expect(said).toEqual(['one', 'two', 'CLIENT_CLOSED'])
    const rest = new Collector(reader.release())
    await rest.until(() => rest.has('end'))
    expect([rest.text, rest.events]).toEqual(['hal', ['data', 'end']])
  })

  it('says of a break that it was one', async () => {
    const { reader, peer } = open()
    const waiting = outcome(() => reader.read(line))
    peer.reset()
    expect(await waiting).toBe('CLIENT_RESET')
    expect(await outcome(() => reader.read(line))).toBe('CLIENT_RESET')
  })

  it('is closed where this side has destroyed the conn', async () => {
    const { reader, conn } = open()
    const waiting = outcome(() => reader.read(line))
    conn.destroy()
    expect(await waiting).toBe('CLIENT_CLOSED')
  })
})

describe('fail', () => {
  it('ends the read that waits and all later ones, though the bytes be there', async () => {
    const { reader, peer } = open()
    const late = new Error('too late')
    const waiting = outcome(() => reader.read(line))
    reader.fail(late)
    reader.fail(new Error('another'))
    send(peer, 'one\n')
    await turns()
    expect(await waiting).toBe(late)
    expect(await outcome(() => reader.read(line))).toBe(late)
  })
})

describe('release', () => {
  it.each([1, 2, 7, Infinity])(
    'gives back what was not read, in order, by chunks of %d',
    async (readBytes) => {
      const { reader, conn, peer } = open(4, readBytes)
      send(peer, 'one\n')
      expect(await reader.read(line)).toBe('one')
      send(peer, 'abcdef')
      send(peer, 'ghi')
      peer.end()
      await turns()
      expect(reader.release()).toBe(conn)
      const rest = new Collector(conn)
      await rest.until(() => rest.has('end'))
      expect([rest.text, rest.events]).toEqual(['abcdefghi', ['data', 'end']])
    },
  )

  it('gives back what was not read while the conn runs', async () => {
    const { reader, conn, peer } = open()
    send(peer, 'one\nrest')
    expect(await reader.read(line)).toBe('one')
    expect(conn.paused).toBe(false)
    reader.release()
    send(peer, ' and more')
    await turns()
    const rest = new Collector(conn)
    await rest.until(() => rest.size === 13)
    expect(rest.text).toBe('rest and more')
  })

  it('gives back a conn on which all was read', async () => {
    const { reader, conn, peer } = open()
    send(peer, 'one\n')
    await reader.read(line)
    reader.release()
    send(peer, 'early')
    await turns()
    const rest = new Collector(conn)
    expect(rest.text).toBe('early')
    send(peer, ' late')
    await rest.until(() => rest.size === 10)
  })

  it('reads nothing more', async () => {
    const { reader, peer } = open()
    const waiting = reader.read(line) as Promise<string>
    let settled = false
    waiting.finally(() => (settled = true)).catch(() => {})
    reader.release()
    send(peer, 'one\n')
    await turns()
    expect(settled).toBe(false)
  })
})

it('can be made on a conn that somebody had before', async () => {
  const [conn, peer] = memoryConns()
  send(peer, 'kept\n')
  await turns()
  expect(await new Reader(conn, 100).read(line)).toBe('kept')
})

describe('waiting for something else', () => {
  it('gives what it comes to, a failure too', async () => {
    const { reader, peer } = open()
    expect(await reader.wait(Promise.resolve('known'))).toBe('known')
    await expect(reader.wait(Promise.reject(BAD))).rejects.toBe(BAD)
    send(peer, 'one\n')
    expect(await reader.read(line)).toBe('one')
  })

  it('outlasts a half-close, and ends with what ends the reading', async () => {
    const { reader, peer } = open()
    const never = new Promise<string>(() => {})
    const waiting = reader.wait(never)
    peer.end()
    await turns()
    const late = new Error('too late')
    reader.fail(late)
    await expect(waiting).rejects.toBe(late)
    await expect(reader.wait(never)).rejects.toBe(late)
  })

  it('ends when the client breaks off', async () => {
    const { reader, peer } = open()
    const waiting = outcome(() => reader.wait(new Promise(() => {})))
    peer.reset()
    expect(await waiting).toBe('CLIENT_RESET')
  })
})

it('leaves the conn alone once it has handed over, and ends who reads on', async () => {
  const { reader, peer } = open()
  const next = reader.handOver(new Reader(reader.release(), 100))
  const reading = next.read(line)
  reader.release()
  send(peer, 'one\n')
  expect(await reading).toBe('one')
  const waiting = outcome(() => next.read(line))
  reader.fail(new NetError('HANDSHAKE_TIMEOUT', 'too late'))
  expect(await waiting).toBe('HANDSHAKE_TIMEOUT')
})
