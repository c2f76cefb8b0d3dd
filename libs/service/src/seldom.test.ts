import { expect, it } from 'vitest'
import { Seldom } from './seldom.ts'

it('says each thing once in its time', () => {
  let now = 0
  const seldom = new Seldom(1000, () => now)
  const due = (at: number, what: string): boolean => {
    now = at
    return seldom.due(what)
  }
  expect(due(0, 'a')).toBe(true)
  expect(due(1, 'b')).toBe(true)
  expect(due(999, 'a')).toBe(false)
  expect(due(1000, 'a')).toBe(true)
  expect(due(1001, 'b')).toBe(true)
  expect(due(1999, 'a')).toBe(false)
})

it('remembers what is not due yet, and nothing else', () => {
  let now = 0
  const seldom = new Seldom(1000, () => now)
  for (now = 0; now < 5000; now++) expect(seldom.due(`${now}`)).toBe(true)
  expect(seldom.size).toBe(1000)
  expect(seldom.due('4000')).toBe(true)
  expect(seldom.due('4001')).toBe(false)
  now = 9000
  expect(seldom.due('again')).toBe(true)
  expect(seldom.size).toBe(1)
})
