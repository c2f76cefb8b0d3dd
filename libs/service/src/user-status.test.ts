import { expect, test } from 'vitest'
import { Lab } from './testing/lab.ts'
import { count, ledgerOf } from './testing/ledger-of.ts'
import { userOf } from './testing/memory-store.ts'
import { userStatuses } from './user-status.ts'

test('tells what users do now, have moved, and have left', async () => {
  const ada = userOf('ada', { limits: { quotaBytes: 1000, down: 5 } })
  const lab = await Lab.open([userOf('bob', { enabled: false }), ada], { used: { ada: 300 } })
  const run = await lab.relaying({ user: 'ada' })
  count(lab, 'ada', 100)
  await ledgerOf(lab).flush()
  count(lab, 'ada', 50, 'down')
  expect(userStatuses(lab.directory, lab.wall.now)).toEqual([
    {
      id: 'ada',
      name: 'ada',
      state: 'active',
      connections: 1,
      ips: 1,
      up: 100,
      down: 50,
      used: 450,
      limits: { quotaBytes: 1000, down: 5 },
      quotaLeft: 550,
    },
    {
      id: 'bob',
      name: 'bob',
      state: 'disabled',
      connections: 0,
      ips: 0,
      up: 0,
      down: 0,
      used: 0,
      limits: {},
    },
  ])
  await run.finish()
})
