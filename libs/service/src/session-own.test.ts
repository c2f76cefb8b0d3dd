import { straight } from '@sluice/net'
import { beforeEach, expect, test } from 'vitest'
import { Lab, TARGET } from './testing/lab.ts'
import { settled } from './testing/memory-conn.ts'
import { userOf } from './testing/memory-store.ts'
import { ServiceError } from './errors.ts'

let lab: Lab

beforeEach(async () => {
  lab = await Lab.open([{ ...userOf('ada'), limits: { connections: 1 } }])
})

test('a request that has a dial of its own is not reached by that of its listener', async () => {
  const asked: unknown[] = []
  const run = lab.run({
    dial: () => expect.unreachable(),
    onRequest: (request) => {
      request.dial = (target, _signal, caller, use): ReturnType<NonNullable<typeof request.dial>> => {
        asked.push([target, caller.account.name, use])
        return Promise.resolve(straight(run.target.conn))
      }
    },
  })
  run.client.write('?payload')
  await settled()
  expect(asked).toEqual([[TARGET, 'ada', 'tunnel']])
  expect(run.target.far.text).toBe('payload')
  expect(await run.finish()).toBe('OK')
})

test('a request is told once that its session is over', async () => {
  const first = await lab.relaying()
  expect(first.request?.ended).toBe(0)
  const tooMany = await lab.relaying()
  expect(await tooMany.code).toBe('CONNECTION_LIMIT')
  expect(tooMany.request?.ended).toBe(1)
  await first.finish()
  expect(first.request?.ended).toBe(1)
  const lost = lab.run()
  lost.client.write('?')
  lost.refused(new ServiceError('AGENT_OFFLINE'))
  expect(await lost.code).toBe('AGENT_OFFLINE')
  expect(lost.request?.ended).toBe(1)
})

test('the last line of a session tells the fields of its listener', async () => {
  const run = await lab.relaying({ fields: { tunnel: 7 } })
  await run.finish()
  expect(JSON.parse(lab.journal.raw.at(-1)!)).toMatchObject({ msg: 'session.end', door: 'test', tunnel: 7 })
})
