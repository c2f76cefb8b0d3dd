import { expect, test } from 'vitest'
import { KeyIndex } from './key-index.ts'

test('finds who has a key, which moves with its owner', () => {
  const index = new KeyIndex<string>()
  index.move('ada', undefined, 'one')
  index.move('bob', undefined, undefined)
  expect([index.get('one'), index.get('two')]).toEqual(['ada', undefined])
  index.move('ada', 'one', 'two')
  expect([index.get('one'), index.get('two')]).toEqual([undefined, 'ada'])
  index.move('ada', 'two', 'two')
  expect(index.get('two')).toBe('ada')
})

test('a key that somebody else has taken meanwhile stays theirs', () => {
  const index = new KeyIndex<string>()
  index.move('ada', undefined, 'one')
  index.move('bob', undefined, 'one')
  index.move('ada', 'one', undefined)
  expect(index.get('one')).toBe('bob')
})
