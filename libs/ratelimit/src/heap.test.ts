import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { Heap } from './heap.ts'

class Item {
  readonly places: number[] = []
  rank: number

  constructor(rank: number) {
    this.rank = rank
  }
}

const operation = fc.record({
  do: fc.constantFrom('put', 'delete', 'change'),
  pick: fc.nat({ max: 19 }),
  rank: fc.nat({ max: 30 }),
})

it('has the least of those it holds in front, whatever comes, changes and goes', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const heap = new Heap<Item>(0, (a, b) => a.rank < b.rank)
      const items = Array.from({ length: 20 }, (_, i) => new Item(i))
      const held = new Set<Item>()
      for (const { do: what, pick, rank } of operations) {
        const item = items[pick]!
        if (what === 'delete') {
          heap.delete(item)
          held.delete(item)
        } else if (what === 'put' || held.has(item)) {
          item.rank = rank
          heap.put(item)
          held.add(item)
        }
        expect(heap.size).toBe(held.size)
        expect(heap.head?.rank).toBe(held.size === 0 ? undefined : Math.min(...[...held].map((i) => i.rank)))
        expect(items.filter((i) => heap.has(i))).toEqual(items.filter((i) => held.has(i)))
      }
    }),
  )
})

it('may share its elements with a heap of another number', () => {
  const up = new Heap<Item>(0, (a, b) => a.rank < b.rank)
  const down = new Heap<Item>(1, (a, b) => a.rank > b.rank)
  const items = [3, 1, 2].map((rank) => new Item(rank))
  for (const item of items) {
    up.put(item)
    down.put(item)
  }
  up.delete(items[1]!)
  expect([up.head?.rank, down.head?.rank, up.size, down.size]).toEqual([2, 3, 2, 3])
})
