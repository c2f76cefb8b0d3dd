import { describe, expect, it } from 'vitest'
import { fitTo, widthOf } from './text-width.ts'

describe('widthOf', () => {
  it.each([
    ['ada', 3],
    ['', 0],
    ['zoë', 3],
    ['zoe\u0308', 3],
    ['日本', 4],
    ['한국', 4],
    ['ｆｕｌｌ', 8],
    ['👩‍👩‍👧', 2],
    ['❤️', 2],
    ['привет', 6],
  ])('%s takes %i columns', (text, width) => {
    expect(widthOf(text)).toBe(width)
  })
})

describe('fitTo', () => {
  it.each([
    ['ada', 5, 'ada  '],
    ['ada', 3, 'ada'],
    ['adalbert', 4, 'ada…'],
    ['日本語', 5, '日本…'],
    ['日本語', 4, '日… '],
    ['👩‍👩‍👧👩‍👩‍👧', 3, '👩‍👩‍👧…'],
    ['ada', 0, ''],
    ['a\u001b[2Jb\n\u202e', 8, 'a?[2Jb??'],
  ])('%s in %i columns is %o', (text, width, wanted) => {
    expect(fitTo(text, width)).toBe(wanted)
    expect(widthOf(fitTo(text, width))).toBe(width)
  })

  it('puts numbers to the right', () => {
    expect(fitTo('7', 3, 'right')).toBe('  7')
  })
})
