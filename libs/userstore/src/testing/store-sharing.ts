import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { changesOf, dataDirs, type StoreKind } from './store-harness.ts'

const LOOP = fileURLToPath(new URL('account-loop.ts', import.meta.url))

/** What every store tells its watchers, and the other programs on the same data directory. */
export function storeSharing(kind: StoreKind): void {
  const dataDir = dataDirs(kind)

  describe('watch', () => {
    test.each(['itself', 'another store'])('tells what was done by %s', async (who) => {
      const data = dataDir()
      const store = await data.open()
      const { seen, until } = changesOf(store)
      const writer = who === 'itself' ? store : await data.open()

      const ada = await writer.add({ name: 'ada' })
      await until(() => seen.some(({ users }) => users.length > 0))
      expect(seen.at(-1)).toEqual({
        users: [ada],
        removed: [],
        used: [{ userId: ada.id, up: 0, down: 0, period: 'all' }],
      })

      await writer.account({ node: 'n', seq: 1, at: 0, entries: [{ userId: ada.id, up: 1, down: 2 }] })
      await until(() => seen.some(({ used }) => used.some(({ up, down }) => up === 1 && down === 2)))
      expect(seen.at(-1)?.users).toEqual([])

      const changed = await writer.update('ada', { enabled: false })
      await until(() => seen.some(({ users }) => users[0]?.enabled === false))
      expect(seen.at(-1)?.users).toEqual([changed])

      await writer.remove('ada')
      await until(() => seen.some(({ removed }) => removed.includes(ada.id)))
      expect(seen.at(-1)).toEqual({ users: [], removed: [ada.id], used: [] })
    })

    test('tells what happened between list() and watch()', async () => {
      const data = dataDir()
      const store = await data.open()
      await store.list()
      await (await data.open()).add({ name: 'ada' })
      const { seen, until } = changesOf(store)
      await until(() => seen.length > 0)
      expect(seen[0]?.users).toMatchObject([{ name: 'ada' }])
    })

    test('tells of a new period without any traffic', async () => {
      const data = dataDir()
      const store = await data.open()
      const ada = await store.add({ name: 'ada', limits: { quotaPeriod: 'day' } })
      await store.add({ name: 'bob' })
      await store.account({
        node: 'n',
        seq: 1,
        at: data.clock.at,
        entries: [{ userId: ada.id, up: 9, down: 0 }],
      })
      const { seen, until } = changesOf(store)
      await until(() => seen.some(({ used }) => used.some(({ up }) => up === 9)))
      data.clock.at = Date.UTC(2026, 10, 22)
      await until(() =>
        seen.some(({ used }) => used.some(({ up, period }) => up === 0 && period === 'day:2026-11-22')),
      )
      expect(seen.at(-1)).toEqual({
        users: [],
        removed: [],
        used: [{ userId: ada.id, up: 0, down: 0, period: 'day:2026-11-22' }],
      })
    })

    test('a watcher that throws hears of it, the others of the change; one that was stopped of nothing', async () => {
      const store = await dataDir().open()
      const stopped = changesOf(store)
      stopped.stop()
      const thrown: unknown[] = []
      const boom = new Error('boom')
      const throws = (): never => {
        throw boom
      }
      store.watch(throws, (error) => thrown.push(error))
      const { seen, until } = changesOf(store)
      await store.add({ name: 'ada' })
      await until(() => seen.length > 0)
      expect(thrown).toEqual([boom])
      expect(stopped.seen).toEqual([])
    })
  })

  describe('several programs', () => {
    test('may make one store at the same time', async () => {
      const data = dataDir()
      const stores = await Promise.all(Array.from({ length: 4 }, () => data.open()))
      expect(new Set(stores.map((store) => store.installId)).size).toBe(1)
    })

    test('lose and double nothing', async () => {
      const data = dataDir()
      const stores = await Promise.all([data.open(), data.open()])
      const added = stores.flatMap((store, s) => [0, 1, 2].map((n) => store.add({ name: `user${s}${n}` })))
      const users = await Promise.all(added)
      const entries = users.map(({ id }, n) => ({ userId: id, up: n, down: 1 }))
      const seqs = Array.from({ length: 20 }, (_, n) => n)
      await Promise.all(
        stores.flatMap((store, s) =>
          seqs.map((seq) => store.account({ node: `n${s}`, seq, at: 0, entries })),
        ),
      )
      const totals = users.map(({ name }, n) => ({
        name,
        period: 'all',
        up: n * 40,
        down: 40,
        total: n * 40 + 40,
      }))
      const byName = new Map(totals.map((total) => [total.name, total]))
      for (const store of stores) {
        const usage = await store.usage()
        expect(new Map(usage.map((total) => [total.name, total]))).toEqual(byName)
      }
    })

    test('a program killed at any moment leaves each batch once or, if unanswered, once or not at all', async () => {
      const data = dataDir()
      const store = await data.open()
      const { id } = await store.add({ name: 'ada' })
      let answered = 0
      for (const rounds of [1, 7, 20]) {
        answered = await runAndKill([data.url, id, String(answered + 1)], answered + rounds)
        const [total] = await store.usage('ada')
        expect(total?.up === answered || total?.up === answered + 1).toBe(true)
      }
      // Sending the last, perhaps unanswered batch again makes the books whole.
      const at = data.clock.at
      const batch = { node: 'loop', seq: answered + 1, at, entries: [{ userId: id, up: 1, down: 2 }] }
      expect(await store.account(batch)).toMatchObject([{ up: answered + 1, down: 2 * answered + 2 }])
    })
  })
}

/** Runs the loop until it has told `count`, kills it, and gives the highest seq it told. */
async function runAndKill(args: string[], count: number): Promise<number> {
  const flags = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning']
  const child = spawn(process.execPath, [...flags, LOOP, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  let told = 0
  for await (const line of createInterface(child.stdout)) {
    told = Number(line)
    if (told >= count) child.kill('SIGKILL')
  }
  expect(await exited).toEqual([null, 'SIGKILL'])
  return told
}
