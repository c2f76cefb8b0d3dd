import { ManualClock } from '@sluice/ratelimit'
import { describe, expect, it } from 'vitest'
import { OriginHealth } from './origin-health.ts'

const lab = (failures = 2): { clock: ManualClock; health: OriginHealth; outcome: () => unknown } => {
  const clock = new ManualClock()
  const health = new OriginHealth({ failures, openMs: 1000, now: () => clock.now() })
  const outcome = (): unknown => {
    try {
      return health.enter('a')
    } catch (error) {
      return (error as { retryMs: number }).retryMs
    }
  }
  return { clock, health, outcome }
}

describe('OriginHealth', () => {
  it('opens after failures in a row, not with a success between them', () => {
    const { health, outcome } = lab()
    health.failed('a')
    health.succeeded('a')
    health.failed('a')
    expect(outcome()).toBe(undefined)
    health.failed('a')
    expect([outcome(), health.open]).toEqual([1000, 1])
    expect(() => health.enter('b')).not.toThrow()
  })

  it('lets one through when its time is over, and waits twice as long each time, up to a minute', () => {
    const { clock, health, outcome } = lab(1)
    health.failed('a')
    for (const ms of [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]) {
      expect(outcome()).toBe(ms)
      clock.advance(ms)
      expect(outcome()).toBe(undefined)
      expect(outcome()).toBe(ms)
      health.failed('a')
    }
    clock.advance(60_000)
    expect(outcome()).toBe(undefined)
    health.left('a')
    expect(outcome()).toBe(undefined)
    health.succeeded('a')
    expect([outcome(), health.open]).toEqual([undefined, 0])
  })

  it('never opens where it is not to', () => {
    const { health, outcome } = lab(0)
    for (let i = 0; i < 100; i += 1) health.failed('a')
    expect(outcome()).toBe(undefined)
  })

  it('knows no more keys than it may', () => {
    const { health } = lab(1)
    for (let i = 0; i < 10_100; i += 1) health.failed(`key ${i}`)
    expect(health.open).toBe(10_000)
  })
})
