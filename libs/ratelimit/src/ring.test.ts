import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { Linked, Ring } from './ring.ts'

class Item extends Linked {
  readonly name: number

  constructor(name: number) {
    super()
    this.name = name
  }
}

const namesIn = (ring: Ring<Item>): number[] => {
  const names: number[] = []
  for (let item = ring.head; item !== undefined; item = item.next) names.push(item.name)
  return names
}

it('is first in, first out', () => {
  const ring = new Ring<Item>()
  for (const name of [1, 2, 3]) ring.push(new Item(name))
  const taken: number[] = []
  for (let { head } = ring; head !== undefined; { head } = ring) {
    taken.push(head.name)
    ring.delete(head)
  }
  expect([taken, ring.size, ring.head]).toEqual([[1, 2, 3], 0, undefined])
})

it('moves an item from one ring to the end of another, or of its own', () => {
  const [one, two] = [new Ring<Item>(), new Ring<Item>()]
  const items = [1, 2, 3].map((name) => new Item(name))
  for (const item of items) one.push(item)
  two.push(items[1]!)
  one.push(items[0]!)
  expect([namesIn(one), namesIn(two), one.size, two.size]).toEqual([[3, 1], [2], 2, 1])
  expect(items.map(({ ring }) => ring)).toEqual([one, two, one])
})

it('does what two lists would, whatever is pushed and deleted', () => {
  const steps = fc.array(fc.record({ item: fc.nat({ max: 7 }), to: fc.constantFrom(0, 1, undefined) }))
  fc.assert(
    fc.property(steps, (taken) => {
      const rings = [new Ring<Item>(), new Ring<Item>()]
      const lists: number[][] = [[], []]
      const items = Array.from({ length: 8 }, (_, name) => new Item(name))
      for (const { item, to } of taken) {
        for (const list of lists) if (list.includes(item)) list.splice(list.indexOf(item), 1)
        if (to === undefined) items[item]!.ring?.delete(items[item]!)
        else {
          rings[to]!.push(items[item]!)
          lists[to]!.push(item)
        }
        expect(rings.map(namesIn)).toEqual(lists)
        expect(rings.map(({ size }) => size)).toEqual(lists.map(({ length }) => length))
      }
    }),
    { numRuns: 200 },
  )
})
