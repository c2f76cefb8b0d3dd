import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codeOf } from '../testing/code-of.ts'
import {
  NPC_INITIAL_WINDOW,
  NPC_MAX_WINDOW,
  NPC_MIN_WINDOW,
  NPC_WINDOW_SLACK,
  NpcReceiveWindow,
  NpcSendWindow,
} from './mux-window.ts'

describe('what may be sent', () => {
  test('30 segments, until some were read', () => {
    const window = new NpcSendWindow()
    expect(window.room).toBe(122_550)
    window.sent(122_550)
    expect(window.room).toBe(0)
    expect(window.acked({ read: 50, max: 122_550 })).toBe(true)
    expect(window.room).toBe(50)
    expect(window.acked({ read: 50, max: 122_550 })).toBe(false)
  })

  test('a larger or smaller window counts at once', () => {
    const window = new NpcSendWindow()
    window.sent(122_550)
    expect(window.acked({ read: 0, max: 200_000 })).toBe(true)
    expect(window.room).toBe(77_450)
    window.acked({ read: 0, max: 0 })
    expect(window.room).toBe(0)
  })

  test('an acknowledgement of more than was sent counts for nothing', () => {
    const window = new NpcSendWindow()
    window.sent(100)
    expect(window.acked({ read: 101, max: 2 ** 31 - 1 })).toBe(false)
    expect([window.outstanding, window.room, window.ignored]).toEqual([100, 122_450, 1])
  })
})

describe('what may come', () => {
  const consumed = (window: NpcReceiveWindow, octets: number): void => {
    window.received(octets)
    window.consumed(octets, 0, 0)
  }

  test('the window is told first', () => {
    const window = new NpcReceiveWindow()
    expect(window.takeAck()).toEqual({ read: 0, max: 262_144 })
    expect(window.takeAck()).toBeUndefined()
  })

  test('nothing is said of less than a quarter while more is waiting', () => {
    const window = new NpcReceiveWindow()
    window.takeAck()
    window.received(100_000)
    window.consumed(65_535, 0, 0)
    expect(window.takeAck()).toBeUndefined()
    window.consumed(1, 0, 0)
    expect(window.takeAck()).toEqual({ read: 65_536, max: NPC_MIN_WINDOW })
    expect(window.takeAck()).toBeUndefined()
  })

  test('all is said when nothing is waiting', () => {
    const window = new NpcReceiveWindow()
    window.takeAck()
    consumed(window, 10)
    expect(window.takeAck()).toEqual({ read: 10, max: NPC_MIN_WINDOW })
  })

  test('a peer that does not heed the window', () => {
    const window = new NpcReceiveWindow()
    window.received(NPC_INITIAL_WINDOW + NPC_WINDOW_SLACK)
    expect(codeOf(() => window.received(1))).toBe('WIRE_TOO_LONG')
  })

  test('a quick reader gets a larger window, up to 4 MiB, and a slow one does not', () => {
    const [quick, slow] = [new NpcReceiveWindow(), new NpcReceiveWindow()]
    for (let i = 0; i < 1000; i++) {
      quick.takeAck()
      slow.takeAck()
      for (const [window, nowMs] of [
        [quick, i],
        [slow, i * 1000],
      ] as const) {
        window.received(100_000)
        window.consumed(100_000, nowMs, 20)
      }
    }
    expect(quick.takeAck()?.max).toBe(NPC_MAX_WINDOW)
    expect(slow.takeAck()?.max).toBe(NPC_MIN_WINDOW)
  })
})

test('two ends never stall, never overrun, and never acknowledge too much', () => {
  const step = fc.record({ send: fc.boolean(), size: fc.nat(100_000), rttMs: fc.nat(50) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const [out, into] = [new NpcSendWindow(), new NpcReceiveWindow()]
      const tell = (): void => {
        const ack = into.takeAck()
        if (ack !== undefined) out.acked(ack)
      }
      tell()
      for (const [nowMs, { send, size, rttMs }] of steps.entries()) {
        const octets = Math.min(size, send ? out.room : into.buffered)
        if (send) {
          out.sent(octets)
          into.received(octets)
        } else {
          into.consumed(octets, nowMs, rttMs)
          tell()
        }
      }
      into.consumed(into.buffered, steps.length, 0)
      tell()
      expect([out.ignored, out.outstanding]).toEqual([0, 0])
      expect(out.room).toBeGreaterThanOrEqual(NPC_MIN_WINDOW)
    }),
  )
})
