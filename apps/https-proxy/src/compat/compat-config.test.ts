import { loadConfig } from '@sluice/service'
import { expect, it } from 'vitest'
import { checkCompat, compatSchema } from './index.ts'
import { openCompatDoor } from './testing/compat-door.ts'

const read = (...argv: string[]) => loadConfig(compatSchema, { argv, env: {} }).config

it('has the defaults of the original, but for redirects', () => {
  expect(read()).toEqual({
    compatUser: undefined,
    compatKeepAlive: false,
    compatRedirects: 0,
    compatMemory: 256 * 1024 * 1024,
  })
})

it.each([
  [['--compat-user', 'ada'], false, undefined],
  [[], true, undefined],
  [[], false, '--compat: its clients cannot sign in'],
  [['--compat-user', 'bob'], true, '--compat-user: there is no user "bob"'],
])('with %j, open: %s', async (argv, isOpen, complaint) => {
  await using door = await openCompatDoor({ user: { name: 'ada' } })
  const check = (): void => checkCompat(door.directory, read(...argv), isOpen)
  if (complaint === undefined) check()
  else expect(check).toThrow(expect.objectContaining({ message: expect.stringContaining(complaint) }))
})
