import type { UsageBatch } from '@sluice/userstore'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Account } from './account.ts'
import type { Ledger } from './ledger.ts'
import { Lab } from './testing/lab.ts'
import { count, ledgerOf } from './testing/ledger-of.ts'
import { settled } from './testing/memory-conn.ts'
import { userOf } from './testing/memory-store.ts'
import { Pump } from './testing/pump.ts'

/** Numbers grow by one, and a batch that is sent again is the same batch. */
const expectOneNumberABatch = (sent: readonly UsageBatch[]): void => {
  const bySeq = new Map<number, UsageBatch>()
  let last = 0
  for (const batch of sent) {
    expect([last, last + 1]).toContain(batch.seq)
    expect(batch).toEqual(bySeq.get(batch.seq) ?? batch)
    bySeq.set(batch.seq, batch)
    last = batch.seq
  }
}

const open = async (): Promise<{ lab: Lab; ledger: Ledger; account: Account }> => {
  const lab = await Lab.open([userOf('ada', { limits: { quotaBytes: 1000 } })])
  return { lab, ledger: ledgerOf(lab), account: lab.account() }
}

describe('whatever fails, and whenever', () => {
  const QUOTA = 1_000_000
  const bytes = fc.integer({ min: 1, max: 20_000 })
  const step = fc.oneof(
    fc.record({ kind: fc.constant('count'), user: fc.constantFrom('ada', 'bob'), bytes }),
    fc.record({ kind: fc.constant('elsewhere'), user: fc.constantFrom('ada', 'bob'), bytes }),
    fc.record({ kind: fc.constant('flush'), failure: fc.constantFrom('before', 'after', undefined) }),
    fc.record({ kind: fc.constant('poll'), user: fc.constantFrom('ada', 'bob') }),
    fc.record({ kind: fc.constant('wait') }),
  )

  it('every byte is booked once, and the quota knows it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const limits = { quotaBytes: QUOTA }
        const lab = await Lab.open([userOf('ada', { limits }), userOf('bob', { limits })])
        const ledger = ledgerOf(lab)
        const truth = new Map([
          ['ada', 0],
          ['bob', 0],
        ])
        const add = (user: string, more: number): void => void truth.set(user, truth.get(user)! + more)
        for (const each of steps) {
          if (each.kind === 'count') {
            const part = Math.min(each.bytes, lab.account(each.user).quota.remaining)
            add(each.user, part)
            count(lab, each.user, part)
          } else if (each.kind === 'elsewhere') {
            add(each.user, each.bytes)
            lab.store.bookElsewhere(each.user, each.bytes)
          } else if (each.kind === 'flush') {
            if (each.failure !== undefined) lab.store.failures.push(each.failure)
            void ledger.flush()
          } else if (each.kind === 'poll') {
            lab.store.tell({ used: [lab.store.usedOf(each.user)] })
          } else await settled()
          // Never cut too early.
          for (const [user, used] of truth) {
            expect(lab.account(user).quota.remaining).toBeGreaterThanOrEqual(Math.max(0, QUOTA - used))
          }
        }
        lab.store.failures.length = 0
        expect(await ledger.stop(60_000, settled)).toBe(true)
        for (const [user, used] of truth) {
          expect(lab.store.booked.get(user) ?? 0).toBe(used)
          lab.store.tell({ used: [lab.store.usedOf(user)] })
          expect(lab.account(user).quota.remaining).toBe(Math.max(0, QUOTA - used))
        }
        expectOneNumberABatch(lab.store.sent)
      }),
      { numRuns: 150 },
    )
  })
})

describe('a quota that several nodes use up', () => {
  it('is cut when the others have used the rest', async () => {
    const { lab, account } = await open()
    const pump = new Pump(account, 'up', 400)
    lab.directory.touch(account)
    pump.lane.count(400)
    lab.store.bookElsewhere('ada', 599)
    await settled()
    expect(pump.code).toBeUndefined()
    lab.store.bookElsewhere('ada', 1)
    await settled()
    expect(pump.code).toBe('QUOTA_EXCEEDED')
  })

  it('does not count bytes on their way twice, whether the store has them or not', async () => {
    const { lab, ledger, account } = await open()
    lab.store.failures.push('after')
    count(lab, 'ada', 600)
    await ledger.flush()
    expect(account.pendingBytes).toBe(600)
    lab.store.tell({ used: [lab.store.usedOf('ada')] })
    expect(account.quota.remaining).toBe(400)
    lab.store.bookElsewhere('ada', 300)
    expect(account.quota.remaining).toBe(100)
    await ledger.flush()
    expect(account.quota.remaining).toBe(100)
  })

  it('waits for certainty while bytes are on their way', async () => {
    const { lab, ledger, account } = await open()
    lab.store.failures.push('before')
    count(lab, 'ada', 600)
    await ledger.flush()
    lab.store.bookElsewhere('ada', 300)
    expect(account.quota.remaining).toBe(400)
    await ledger.flush()
    expect(account.quota.remaining).toBe(100)
  })

  it('remembers what was booked, were the store to say nothing of it', async () => {
    const { lab, ledger, account } = await open()
    count(lab, 'ada', 600)
    lab.store.usedOf = (userId) => ({ userId: `not ${userId}`, up: 0, down: 0, period: 'all' })
    await ledger.flush()
    account.update(userOf('ada', { limits: { quotaBytes: 1100 } }), 0)
    expect(account.quota.remaining).toBe(500)
  })

  it('begins anew with its period', async () => {
    const { lab, ledger, account } = await open()
    count(lab, 'ada', 900)
    await ledger.flush()
    expect(account.quota.remaining).toBe(100)
    lab.store.tell({ used: [{ userId: 'ada', up: 0, down: 0, period: 'day:2026-11-22' }] })
    expect(account.quota.remaining).toBe(1000)
  })
})
