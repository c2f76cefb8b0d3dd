import { createLog } from '@sluice/service'
import { expect, it } from 'vitest'
import { InsecureNotice } from './insecure-notice.ts'
import { Journal } from './testing/journal.ts'

it('tells whenever there are any after there were none', () => {
  const journal = new Journal()
  const notice = new InsecureNotice(createLog({ level: 'info', sink: journal }))
  for (const users of [0, 2, 3, 1, 0, 0, 4]) notice.now(users)
  expect(journal.of('methods.insecure').map(({ users }) => users)).toEqual([2, 4])
})
