import { expect, test } from 'vitest'
import { link } from './link.ts'

test('a user needs a client of theirs, whose enrolment leads to the bridge', () => {
  const { urls, lines } = link("it's", 'secret', ['--bridge', 'tunnels.example:8025'])
  expect(urls).toEqual({})
  expect(lines).toEqual([String.raw`nps-server client add --user 'it'\''s' --server tunnels.example:8025`])
})
