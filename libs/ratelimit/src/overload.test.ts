import { describe, expect, it } from 'vitest'
import { Overload } from './overload.ts'

describe('overload', () => {
  it('stands when somebody has always waited for longer than the target, for as long', () => {
    const overload = new Overload(500)
    expect(overload.isStanding(600, 600)).toBe(false)
    expect(overload.isStanding(999, 999)).toBe(false)
    expect(overload.isStanding(1000, 1000)).toBe(true)
  })

  it('does not stand where in between nobody had', () => {
    const overload = new Overload(500)
    overload.isStanding(900, 900)
    overload.isStanding(950, 500)
    expect(overload.isStanding(1400, 950)).toBe(false)
    expect(overload.isStanding(1450, 1000)).toBe(true)
  })

  it('is over when for as long nobody has waited for half of it', () => {
    const overload = new Overload(500)
    overload.isStanding(1000, 1000)
    expect(overload.isStanding(1100, 10)).toBe(true)
    expect(overload.isStanding(1500, 300)).toBe(true)
    expect(overload.isStanding(1600, 0)).toBe(true)
    expect(overload.isStanding(2099, 0)).toBe(true)
    expect(overload.isStanding(2100, 0)).toBe(false)
  })

  it('is what makes a long wait too long', () => {
    const overload = new Overload(500)
    expect(overload.isTooLate(5000)).toBe(false)
    overload.isStanding(1000, 1000)
    expect([overload.isTooLate(1500), overload.isTooLate(1501)]).toEqual([false, true])
    overload.targetMs = 400
    expect(overload.isTooLate(5000)).toBe(false)
  })

  it('never stands without a target', () => {
    expect(new Overload(Infinity).isStanding(1e9, 1e9)).toBe(false)
  })
})
