import { expect, test } from 'vitest'
import { isUserName } from './user.ts'

test.each([
  ['ada', true],
  ['ada@example.org', true],
  ['Ада/"%', true],
  ['😀', true],
  ['a'.repeat(255), true],
  ['a'.repeat(256), false],
  ['ä'.repeat(128), false],
  ['', false],
  ['a b', false],
  ['a\tb', false],
  ['a\u00a0b', false],
  ['a:b', false],
  ['a\0', false],
  ['a\u007f', false],
  ['a\u0085', false],
  ['\ud800', false],
])('isUserName(%j) is %s', (name, ok) => expect(isUserName(name)).toBe(ok))
