import { expect, test } from 'vitest'
import { AllowedMethods } from './allowed-methods.ts'

const allowed = new AllowedMethods()
allowed.add('/users', 'GET')
allowed.add('/users', ['POST', 'HEAD'])
allowed.add('/users/:name', 'DELETE')
allowed.add('/files/*', 'GET')

test.each([
  ['/users', ['GET', 'HEAD', 'POST']],
  ['/users/', []],
  ['/users/ada', ['DELETE']],
  ['/users/ada/x', []],
  ['/user', []],
  ['/', []],
  ['', []],
  ['/files/a/b', ['GET']],
  ['/files', []],
])('%s takes %j', (path, methods) => {
  expect(allowed.at(path)).toEqual(methods)
})
