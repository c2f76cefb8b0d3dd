import { beforeEach, describe, expect, it } from 'vitest'
import type { Ledger } from './ledger.ts'
import { Lab } from './testing/lab.ts'
import { count, ledgerOf } from './testing/ledger-of.ts'
import { settled } from './testing/memory-conn.ts'
import { type Failure, userOf } from './testing/memory-store.ts'

const MIB = 1024 * 1024

interface Stopping {
  readonly lab: Lab
  readonly ledger: Ledger
  wait(this: void): Promise<void>
}

const open = async (...failures: Failure[]): Promise<Stopping> => {
  const lab = await Lab.open([userOf('ada'), userOf('bob')])
  const wait = async (): Promise<void> => void (lab.wall.now += 250)
  lab.store.failures.push(...failures)
  return { lab, ledger: ledgerOf(lab), wait }
}

describe('Ledger', () => {
  let lab: Lab
  let ledger: Ledger
  let results: string[]

  beforeEach(async () => {
    results = []
    lab = await Lab.open([userOf('ada'), userOf('bob')])
    ledger = ledgerOf(lab, (result) => results.push(result))
  })

  it('sends nothing where nothing was counted', async () => {
    await ledger.flush()
    lab.directory.touch(lab.account('ada'))
    await ledger.flush()
    expect(lab.store.sent).toEqual([])
    expect(lab.directory.active.size).toBe(0)
  })

  it('books what all have moved in one batch, each with the next number', async () => {
    count(lab, 'ada', 5)
    count(lab, 'ada', 7, 'down')
    count(lab, 'bob', 1)
    await ledger.flush()
    lab.wall.now += 1000
    count(lab, 'bob', 2, 'down')
    await ledger.flush()
    const at = lab.wall.now
    expect(lab.store.sent).toEqual([
      {
        node: 'node-1',
        seq: 1,
        at: at - 1000,
        entries: [
          { userId: 'ada', up: 5, down: 7 },
          { userId: 'bob', up: 1, down: 0 },
        ],
      },
      { node: 'node-1', seq: 2, at, entries: [{ userId: 'bob', up: 0, down: 2 }] },
    ])
    expect(results).toEqual(['ok', 'ok'])
  })

  it.each(['before', 'after'] as const)(
    'sends a batch that failed %s booking again as it was, then the rest',
    async (failure) => {
      lab.store.failures.push(failure, failure)
      count(lab, 'ada', 10)
      await ledger.flush()
      count(lab, 'ada', 5)
      count(lab, 'bob', 3)
      lab.wall.now += 1000
      await ledger.flush()
      await ledger.flush()
      await ledger.flush()
      const [first, again, third, rest] = lab.store.sent
      expect([again, third]).toEqual([first, first])
      expect(rest).toMatchObject({
        seq: 2,
        entries: [
          { userId: 'ada', up: 5 },
          { userId: 'bob', up: 3 },
        ],
      })
      expect(lab.store.sent).toHaveLength(4)
      expect(Object.fromEntries(lab.store.booked)).toEqual({ ada: 15, bob: 3 })
      expect(results).toEqual(['failed', 'failed', 'ok', 'ok'])
    },
  )

  it('says once that it fails and once that it no longer does', async () => {
    lab.store.failures.push('before', 'before', 'after')
    for (let i = 0; i < 6; i += 1) {
      count(lab, 'ada', 1)
      await ledger.flush()
    }
    expect(lab.journal.lines('ledger.failed')).toMatchObject([
      { level: 'error', pendingBytes: 1, err: { code: 'STORE_WRITE' } },
    ])
    expect(lab.journal.lines('ledger.recovered')).toHaveLength(1)
    lab.store.failures.push('before')
    await ledger.flush()
    count(lab, 'ada', 1)
    await ledger.flush()
    expect(lab.journal.lines('ledger.failed')).toHaveLength(2)
  })

  it('has one batch under way at a time', async () => {
    const gate = Promise.withResolvers<void>()
    lab.store.gate = gate.promise
    count(lab, 'ada', 1)
    const flushes = [ledger.flush(), ledger.flush()]
    count(lab, 'ada', 2)
    await settled()
    void ledger.flush()
    expect(lab.store.sent).toHaveLength(1)
    gate.resolve()
    await Promise.all(flushes)
    await ledger.flush()
    expect(lab.store.sent.map(({ entries }) => entries[0]?.up)).toEqual([1, 2])
  })

  it('tells what is pending, and for how long', async () => {
    expect(ledger.pending()).toEqual({ pendingBytes: 0, lagMs: 0 })
    lab.store.failures.push('before', 'before')
    count(lab, 'ada', 5)
    lab.wall.now += 700
    await ledger.flush()
    count(lab, 'bob', 3)
    lab.wall.now += 1000
    expect(ledger.pending()).toEqual({ pendingBytes: 8, lagMs: 1700 })
    await ledger.flush()
    await ledger.flush()
    expect(ledger.pending()).toEqual({ pendingBytes: 3, lagMs: 0 })
    await ledger.flush()
    expect(ledger.pending()).toEqual({ pendingBytes: 0, lagMs: 0 })
  })

  it('books what a removed user has moved, and then forgets them', async () => {
    count(lab, 'ada', 5)
    lab.store.replace(['ada'])
    await ledger.flush()
    expect(lab.store.booked.get('ada')).toBe(5)
    await ledger.flush()
    expect(lab.directory.active.size).toBe(0)
  })

  it('keeps an eye on who has sessions, though they move nothing', async () => {
    const run = await lab.relaying()
    await ledger.flush()
    run.client.write('12345')
    await ledger.flush()
    expect(lab.store.booked.get('ada')).toBe(5)
    await run.finish()
    await ledger.flush()
    expect(lab.directory.active.size).toBe(0)
  })
})

describe('attention', () => {
  it('is due at 64 MiB', async () => {
    const lab = await Lab.open([userOf('ada')])
    const ledger = ledgerOf(lab)
    count(lab, 'ada', 64 * MIB - 1)
    await settled()
    expect(lab.store.sent).toEqual([])
    count(lab, 'ada', 1)
    await settled()
    expect(lab.store.booked.get('ada')).toBe(64 * MIB)
    count(lab, 'ada', 64 * MIB - 1)
    await settled()
    expect(lab.store.sent).toHaveLength(1)
    await ledger.flush()
  })

  it('is due at 95 % of a quota, whoever has used the first part', async () => {
    const lab = await Lab.open([userOf('ada', { limits: { quotaBytes: 10_000 } })], { used: { ada: 4000 } })
    ledgerOf(lab)
    count(lab, 'ada', 5499)
    await settled()
    expect(lab.store.sent).toEqual([])
    count(lab, 'ada', 1)
    await settled()
    expect(lab.store.booked.get('ada')).toBe(9500)
    count(lab, 'ada', 499)
    await settled()
    expect(lab.store.sent).toHaveLength(1)
  })

  it('does not press a store that fails', async () => {
    const lab = await Lab.open([userOf('ada')])
    const ledger = ledgerOf(lab)
    lab.store.failures.push('before', 'before')
    for (let i = 0; i < 100; i += 1) {
      count(lab, 'ada', 64 * MIB)
      await settled()
    }
    expect(lab.store.sent).toHaveLength(1)
    await ledger.flush()
    await ledger.flush()
    await ledger.flush()
    expect(lab.store.booked.get('ada')).toBe(6400 * MIB)
  })
})

describe('stop()', () => {
  it('books what is left, behind what is under way', async () => {
    const { lab, ledger, wait } = await open('before', 'after')
    count(lab, 'ada', 1)
    void ledger.flush()
    count(lab, 'ada', 2)
    count(lab, 'bob', 3)
    expect(await ledger.stop(5000, wait)).toBe(true)
    expect(Object.fromEntries(lab.store.booked)).toEqual({ ada: 3, bob: 3 })
    expect(lab.journal.lines('ledger.lost')).toEqual([])
  })

  it('gives up after its time, and says what is not booked', async () => {
    const { lab, ledger, wait } = await open(...Array.from({ length: 100 }, () => 'before' as const))
    count(lab, 'ada', 7)
    expect(await ledger.stop(1000, wait)).toBe(false)
    expect(lab.store.sent).toHaveLength(5)
    expect(lab.journal.lines('ledger.lost')).toMatchObject([
      { node: 'node-1', pendingBytes: 7, batch: { seq: 1, entries: [{ userId: 'ada', up: 7 }] } },
    ])
  })

  it('tries no more once its time is over, however slow the store was', async () => {
    const { lab, ledger, wait } = await open('before', 'before')
    lab.store.gate = Promise.resolve().then(() => void (lab.wall.now += 10_000))
    count(lab, 'ada', 7)
    expect(await ledger.stop(5000, wait)).toBe(false)
    expect(lab.store.sent).toHaveLength(1)
  })
})
