import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Place, Roll } from './roll.ts'

describe('Roll', () => {
  it('keeps the order of a Set, whoever leaves', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9)), (turns) => {
        const roll = new Roll<number>()
        const set = new Set<number>()
        const places = new Map<number, Place<number>>()
        for (const who of turns) {
          const place = places.get(who)
          if (place === undefined) {
            places.set(who, roll.add(who))
            set.add(who)
          } else {
            roll.delete(place)
            places.delete(who)
            set.delete(who)
          }
          expect(roll.all()).toEqual([...set])
          expect(roll.size).toBe(set.size)
        }
      }),
    )
  })

  it('lets go of those who leave: their places lead nowhere', () => {
    const roll = new Roll<string>()
    roll.add('first')
    const second = roll.add('second')
    roll.add('third')
    roll.delete(second)
    expect(second).toEqual({ who: 'second', before: undefined, after: undefined })
  })
})
