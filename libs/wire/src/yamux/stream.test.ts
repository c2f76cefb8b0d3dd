import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codeOf } from '../testing/code-of.ts'
import { YAMUX_FLAG } from './frame.ts'
import { YAMUX_INITIAL_WINDOW, YAMUX_MAX_WINDOW, YamuxStream } from './stream.ts'

const { SYN, ACK, FIN, RST } = YAMUX_FLAG
const opener = (): YamuxStream => new YamuxStream({ isOpener: true })
const acceptor = (): YamuxStream => new YamuxStream({ isOpener: false })

describe('opening', () => {
  test('SYN goes with the first frame, ACK comes back, and data need not wait for it', () => {
    const [a, b] = [opener(), acceptor()]
    expect(a.sendRoom).toBe(262_144)
    expect([a.takeFlags(), a.takeFlags()]).toEqual([SYN, 0])
    b.receivedData(SYN, 10)
    expect([b.buffered, b.isAccepted, a.isAccepted]).toEqual([10, true, false])
    expect([b.takeFlags(), b.takeFlags()]).toEqual([ACK, 0])
    a.receivedWindow(ACK, 0)
    expect(a.isAccepted).toBe(true)
  })

  test.each([
    ['a second SYN', acceptor, [SYN, SYN]],
    ['a SYN to the opener', opener, [SYN]],
    ['a second ACK', opener, [ACK, ACK]],
    ['an ACK to the acceptor', acceptor, [SYN, ACK]],
    ['both at once', acceptor, [SYN | ACK]],
  ])('%s', (_what, make, flags) => {
    const stream = make()
    const last = flags.pop()!
    for (const flag of flags) stream.receivedWindow(flag, 0)
    expect(codeOf(() => stream.receivedWindow(last, 0))).toBe('WIRE_VALUE')
  })
})

describe('ending', () => {
  test('one direction goes on while the other has ended', () => {
    const stream = opener()
    stream.finish()
    expect([stream.sendRoom, stream.isClosed]).toEqual([0, false])
    stream.receivedData(0, 5)
    stream.receivedData(FIN, 5)
    expect([stream.buffered, stream.peerHasFinished, stream.isClosed]).toEqual([10, true, true])
  })

  test('a window frame may end it as well, and room still comes', () => {
    const stream = opener()
    stream.receivedWindow(FIN, 7)
    expect([stream.peerHasFinished, stream.isClosed, stream.sendRoom]).toEqual([true, false, 262_151])
  })

  test('nothing comes behind the end', () => {
    const stream = opener()
    stream.receivedData(FIN, 5)
    expect(codeOf(() => stream.receivedData(0, 1))).toBe('WIRE_VALUE')
    expect(codeOf(() => stream.receivedData(FIN, 0))).toBeUndefined()
  })

  test('a reset ends both, with the reason that came first', () => {
    const stream = opener()
    expect(stream.receivedWindow(RST, 7)).toBe(false)
    stream.reset(9)
    expect([stream.resetCode, stream.isClosed, stream.sendRoom, stream.takeWindow()]).toEqual([
      7,
      true,
      0,
      undefined,
    ])
  })

  test('a reason of ours is not replaced by theirs', () => {
    const stream = opener()
    stream.reset(9)
    stream.receivedWindow(RST, 7)
    expect(stream.resetCode).toBe(9)
  })

  test('a reset with data has no reason', () => {
    const stream = opener()
    stream.receivedData(RST, 0)
    expect([stream.isReset, stream.resetCode]).toEqual([true, 0])
  })
})

describe('windows', () => {
  test('room comes back with window frames alone', () => {
    const stream = opener()
    stream.sent(262_144)
    expect(stream.sendRoom).toBe(0)
    expect(stream.receivedWindow(0, 100)).toBe(true)
    expect(stream.receivedWindow(0, 100)).toBe(false)
    expect(stream.sendRoom).toBe(200)
  })

  test('a window of 2^32 octets', () => {
    const stream = opener()
    expect(codeOf(() => stream.receivedWindow(0, 2 ** 32 - 1 - YAMUX_INITIAL_WINDOW))).toBeUndefined()
    expect(codeOf(() => stream.receivedWindow(0, 1))).toBe('WIRE_TOO_LONG')
  })

  test('more than the window', () => {
    const stream = acceptor()
    stream.receivedData(SYN, YAMUX_INITIAL_WINDOW)
    expect(codeOf(() => stream.receivedData(0, 1))).toBe('WIRE_TOO_LONG')
  })

  test('is granted again by the quarter, and only what was consumed', () => {
    const stream = acceptor()
    stream.receivedData(SYN, YAMUX_INITIAL_WINDOW)
    stream.consumed(65_535, 0, 0)
    expect(stream.takeWindow()).toBeUndefined()
    stream.consumed(1, 0, 0)
    expect(stream.takeWindow()).toBe(65_536)
    expect(stream.takeWindow()).toBeUndefined()
    stream.receivedData(FIN, 0)
    stream.consumed(100_000, 0, 0)
    expect(stream.takeWindow()).toBeUndefined()
  })

  test('a larger one is granted at once', () => {
    const stream = new YamuxStream({ isOpener: false, window: 1024 * 1024 })
    expect(stream.takeWindow()).toBe(786_432)
  })

  test('a quick reader gets a larger one, a slow one does not', () => {
    const sizes = [1, 1000].map((stepMs) => {
      const stream = acceptor()
      let granted = YAMUX_INITIAL_WINDOW
      let came = 0
      for (let i = 0; i < 2000; i++) {
        stream.receivedData(0, 60_000)
        came += 60_000
        stream.consumed(60_000, i * stepMs, 20)
        granted += stream.takeWindow() ?? 0
      }
      return granted - came
    })
    expect(sizes[0]).toBeGreaterThan(YAMUX_MAX_WINDOW * 0.7)
    expect(sizes[1]).toBeLessThanOrEqual(YAMUX_INITIAL_WINDOW)
  })
})

test('two ends never stall and never overrun, whatever is sent and consumed', () => {
  const step = fc.record({ send: fc.boolean(), size: fc.nat(300_000), rttMs: fc.nat(50) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const [a, b] = [opener(), acceptor()]
      const grant = (): void => void a.receivedWindow(0, b.takeWindow() ?? 0)
      for (const [nowMs, { send, size, rttMs }] of steps.entries()) {
        const octets = Math.min(size, send ? a.sendRoom : b.buffered)
        if (send) {
          a.sent(octets)
          b.receivedData(0, octets)
        } else {
          b.consumed(octets, nowMs, rttMs)
          grant()
        }
      }
      b.consumed(b.buffered, steps.length, 0)
      grant()
      expect(a.sendRoom).toBeGreaterThan(YAMUX_INITIAL_WINDOW / 2)
    }),
  )
})
