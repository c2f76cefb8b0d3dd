import { array, assert, boolean, integer, property, record } from 'fast-check'
import { expect, test } from 'vitest'
import { pageOf } from './pages.ts'

const cursorOf = (next: string | null): number => (next === null ? Infinity : Number(next))

test('whatever is added and removed between pages, nothing that stays is skipped or told twice', () => {
  const turn = record({
    removed: integer({ min: 0, max: 300 }),
    isAtCursor: boolean(),
    added: integer({ min: 0, max: 3 }),
  })
  assert(
    property(integer({ min: 1, max: 60 }), array(turn, { maxLength: 20 }), (limit, turns) => {
      let [all, lastId] = [Array.from({ length: 250 }, (_, at) => ({ id: at + 1 })), 250]
      const told: number[] = []
      const gone = new Set<number>()
      for (let [cursor, nth] = [0, 0]; cursor !== Infinity; nth += 1) {
        const { items, next } = pageOf(all, { limit, cursor })
        told.push(...items.map(({ id }) => id))
        cursor = cursorOf(next)
        const { removed, isAtCursor, added } = turns[nth] ?? { removed: 0, isAtCursor: false, added: 0 }
        const out = isAtCursor ? cursor : removed
        if (all.some(({ id }) => id === out)) gone.add(out)
        all = all.filter(({ id }) => id !== out)
        if (cursor !== Infinity) for (let more = 0; more < added; more += 1) all.push({ id: (lastId += 1) })
      }
      expect(new Set(told).size).toBe(told.length)
      expect(told.filter((id) => !gone.has(id))).toEqual(all.map(({ id }) => id))
    }),
  )
})
