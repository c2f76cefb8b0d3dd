import { expect, it } from 'vitest'
import { checkCompat } from './index.ts'
import { openCompatDoor } from './testing/compat-door.ts'

it.each([
  ['ada', false, undefined],
  [undefined, true, undefined],
  [undefined, false, '--compat: its clients cannot sign in'],
  ['bob', true, '--compat-user: there is no user "bob"'],
])('as user %s, open: %s', async (user, isOpen, complaint) => {
  await using door = await openCompatDoor({ user: { name: 'ada' } })
  const check = (): void => checkCompat(door.directory, user, isOpen)
  if (complaint === undefined) check()
  else expect(check).toThrow(expect.objectContaining({ message: expect.stringContaining(complaint) }))
})
