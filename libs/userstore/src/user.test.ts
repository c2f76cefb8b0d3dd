import { expect, test } from 'vitest'
import { isGroupName, isSourceAddress, isUserName } from './user.ts'

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

test.each([
  ['staff', true],
  ['Büro/2', true],
  ['g'.repeat(64), true],
  ['g'.repeat(65), false],
  ['', false],
  ['a,b', false],
  ['a:b', false],
  ['a b', false],
  ['a\n', false],
])('isGroupName(%j) is %s', (name, ok) => expect(isGroupName(name)).toBe(ok))

test.each([
  ['192.0.2.7', true],
  ['127.0.0.1', true],
  ['2001:db8::7', true],
  ['0.0.0.0', false],
  ['::', false],
  ['0:0:0:0:0:0:0:0', false],
  ['fe80::1%eth0', false],
  ['192.0.2.0/24', false],
  ['localhost', false],
  ['', false],
])('isSourceAddress(%j) is %s', (text, ok) => expect(isSourceAddress(text)).toBe(ok))
