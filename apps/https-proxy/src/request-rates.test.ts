import { describe, expect, it } from 'vitest'
import { RequestRates } from './request-rates.ts'

describe('a rate of requests', () => {
  it('lets a second of it come at once, then says how long to wait', () => {
    const rates = new RequestRates(4)
    expect([1, 2, 3, 4, 5].map(() => rates.take('a', 0))).toEqual([0, 0, 0, 0, 250])
    expect(rates.take('a', 100)).toBeCloseTo(150)
    expect(rates.take('b', 100)).toBe(0)
    expect(rates.take('a', 250)).toBe(0)
    expect(rates.take('a', 250)).toBeCloseTo(250)
  })

  it('may be below one a second', () => {
    const rates = new RequestRates(0.5)
    expect([rates.take('a', 0), rates.take('a', 0), rates.take('a', 2000)]).toEqual([0, 2000, 0])
  })

  it('holds nobody and remembers nobody where there is none', () => {
    const rates = new RequestRates(Infinity)
    for (let i = 0; i < 1000; i++) expect(rates.take('a', 0)).toBe(0)
    expect(rates.size).toBe(0)
  })

  it('changes at once for those who are known', () => {
    const rates = new RequestRates(1)
    rates.take('a', 0)
    expect(rates.take('a', 0)).toBe(1000)
    rates.set(10, 0)
    expect(rates.take('a', 0)).toBeCloseTo(100)
    rates.set(Infinity, 0)
    expect([rates.take('a', 0), rates.size]).toEqual([0, 0])
  })
})

describe('keys', () => {
  it('that have not asked for long are forgotten as others ask', () => {
    const rates = new RequestRates(1)
    for (let i = 0; i < 100; i++) rates.take(`old ${i}`, 0)
    for (let i = 0; i < 100; i++) rates.take(`new ${i}`, 5000)
    expect(rates.size).toBe(100)
    expect(rates.take('new 0', 5000)).toBe(1000)
  })

  it('are never more than there may be', () => {
    const rates = new RequestRates(1, 10)
    for (let i = 0; i < 100; i++) rates.take(`${i}`, 0)
    expect(rates.size).toBe(10)
    expect([rates.take('99', 0), rates.take('0', 0)]).toEqual([1000, 0])
  })
})
