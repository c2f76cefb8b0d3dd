import { expect, test } from 'vitest'
import { PAGE_ENTRIES, pagesOf } from './pages.ts'

const upTo = (end: number): number[] => Array.from({ length: end }, (_, n) => n)

test('short lists are one page, empty ones too', () => {
  expect(pagesOf({ a: [], b: [] })).toEqual([{ a: [], b: [] }])
  expect(pagesOf({ a: upTo(PAGE_ENTRIES), b: ['x'] })).toEqual([{ a: upTo(PAGE_ENTRIES), b: ['x'] }])
})

test('entries of the same place come on the same page, and none is lost', () => {
  const [a, b] = [upTo(2 * PAGE_ENTRIES + 1), upTo(PAGE_ENTRIES + 1)]
  const pages = pagesOf({ a, b })
  expect(pages.map((page) => [page.a.length, page.b.length])).toEqual([
    [PAGE_ENTRIES, PAGE_ENTRIES],
    [PAGE_ENTRIES, 1],
    [1, 0],
  ])
  expect(pages.flatMap((page) => page.a)).toEqual(a)
  expect(pages.flatMap((page) => page.b)).toEqual(b)
})
