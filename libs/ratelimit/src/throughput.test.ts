import { describe, expect, it } from 'vitest'
import { Throughput } from './throughput.ts'

describe('throughput', () => {
  it('is nothing before anybody was ready', () => {
    const throughput = new Throughput()
    throughput.began(0)
    expect([throughput.perSecond(100), throughput.capacity(100, 10), throughput.meanMs]).toEqual([0, 0, 0])
  })

  it('is what ended in the last seconds', () => {
    const throughput = new Throughput()
    for (let ms = 0; ms < 10_000; ms += 10) throughput.ended(ms, 50)
    expect(throughput.perSecond(10_000)).toBeCloseTo(100, -1)
    expect(throughput.perSecond(12_000)).toBeLessThan(60)
    expect(throughput.perSecond(20_000)).toBe(0)
  })

  it('can be as much as the slots give at the mean time that they are held for, and less once nothing moves', () => {
    const throughput = new Throughput()
    for (let ms = 0; ms < 1000; ms += 10) throughput.ended(ms, 100)
    expect(throughput.capacity(1000, 10)).toBeCloseTo(100)
    expect(throughput.capacity(990 + 2000, 10)).toBeCloseTo(2)
    expect(throughput.capacity(990 + 8000, 10)).toBeCloseTo(0.5)
  })
})
