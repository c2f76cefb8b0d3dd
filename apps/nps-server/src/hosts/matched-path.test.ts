import { expect, test } from 'vitest'
import { matchedPath } from './matched-path.ts'

test.each([
  ['/', '/'],
  ['/a/b?c/d', '/a/b'],
  ['/?x', '/'],
  ['*', '*'],
  ['/a/', '/a/'],
  ['//a', '/a'],
  ['/a/../b', '/b'],
  ['/a/..', '/'],
  ['/../../a', '/a'],
  ['/./a/.', '/a/'],
  ['/%61pi/x', '/api/x'],
  ['/a/%2e%2E/b', '/b'],
  ['/a%2Fb', '/a%2Fb'],
  ['/a%zz', '/a%zz'],
  ['/%', '/%'],
  ['/a.b/.c', '/a.b/.c'],
])('%s is matched as %s', (path, matched) => {
  expect(matchedPath(path)).toBe(matched)
})
