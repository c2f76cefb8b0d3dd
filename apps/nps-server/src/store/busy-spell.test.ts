import { StoreError } from '@sluice/userstore'
import { expect, test } from 'vitest'
import { BusySpell } from './busy-spell.ts'

const busy = new StoreError('STORE_BUSY', 'another program writes')

test('a moment in which others write is no trouble, one that lasts is', () => {
  let now = 100
  const spell = new BusySpell(() => now)
  expect(spell.isTrouble(busy)).toBe(false)
  now += 4999
  expect(spell.isTrouble(busy)).toBe(false)
  now += 1
  expect(spell.isTrouble(busy)).toBe(true)
  spell.over()
  expect(spell.isTrouble(busy)).toBe(false)
})

test('every other failure is trouble at once', () => {
  const spell = new BusySpell(() => 0)
  expect(spell.isTrouble(new StoreError('STORE_WRITE', 'the disk is full'))).toBe(true)
  expect(spell.isTrouble(new Error('a bug'))).toBe(true)
})
