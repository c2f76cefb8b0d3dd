import { describe, expect, it } from 'vitest'
import { DoorMetrics } from './door.ts'

function door(): { door: DoorMetrics; seen: Record<string, number[]> } {
  const seen: Record<string, number[]> = { handshake: [], dial: [], session: [] }
  const observer = (name: string) => ({ observe: (seconds: number) => void seen[name]?.push(seconds) })
  return {
    door: new DoorMetrics({
      handshake: observer('handshake'),
      dial: observer('dial'),
      session: observer('session'),
    }),
    seen,
  }
}

describe('DoorMetrics', () => {
  it('counts requests by their codes, apart from sessions', () => {
    const { door: http } = door()
    for (const code of ['OK', 'DIAL_REFUSED', 'OK']) http.served(code, 1)
    expect([...http.requests]).toEqual([
      ['OK', 2],
      ['DIAL_REFUSED', 1],
    ])
    expect(http.codes.size).toBe(0)
  })

  it('counts a session once, by its code', () => {
    const { door: socks } = door()
    socks.opened()
    socks.opened()
    socks.opened()
    socks.ended('OK', 10)
    socks.ended('AUTH_FAILED', 10)
    expect(socks.active).toBe(1)
    expect([...socks.codes]).toEqual([
      ['OK', 1],
      ['AUTH_FAILED', 1],
    ])
  })

  it('hands durations to its histograms in seconds', () => {
    const { door: socks, seen } = door()
    socks.handshakeTook(5)
    socks.dialTook(250)
    socks.ended('OK', 90_000)
    expect(seen).toEqual({ handshake: [0.005], dial: [0.25], session: [90] })
  })

  it('adds bytes, failed credentials and accept errors', () => {
    const { door: socks } = door()
    socks.relayed({ up: 1, down: 2 })
    socks.relayed({ up: 10, down: 20 })
    socks.authFailed()
    socks.acceptFailed('EMFILE')
    socks.acceptFailed('EMFILE')
    expect(socks.bytes).toEqual({ up: 11, down: 22 })
    expect(socks.authFailures).toBe(1)
    expect(socks.errnos.get('EMFILE')).toBe(2)
  })
})
