import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BatchKeeper } from './batch-keeper.ts'
import { PanelClient } from './panel-client.ts'
import { SourceError } from './source-error.ts'
import { MemoryOwners } from './testing/memory-owners.ts'
import { TestPanel, type Whim } from './testing/test-panel.ts'
import type { Presence, UsageBatch } from './usage-batch.ts'
import { UsageReporter } from './usage-reporter.ts'

const FOREVER = new AbortController().signal

let folder: string
let panel: TestPanel
let store: MemoryOwners
let here: Map<string, Presence>
let reporter: UsageReporter

/** A program that starts on what is there: after another one it is a restart. */
const begin = async (): Promise<UsageReporter> => {
  const made = new UsageReporter({
    owner: 'panel',
    store,
    client: new PanelClient({ endpoint: panel.endpoint, timeoutMs: 60_000 }),
    keeper: new BatchKeeper(join(folder, 'data', 'panel-batch.json'), 'install', 'panel'),
    presences: (userId) => here.get(userId),
  })
  await made.start()
  return made
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'usage-'))
  panel = await TestPanel.open()
  store = new MemoryOwners()
  here = new Map()
  reporter = await begin()
})
afterEach(async () => {
  await panel.close()
  rmSync(folder, { recursive: true })
})

/** How one flush ends; one that gets no answer is given up. */
const outcome = async (whim: Whim = 'ok'): Promise<string> => {
  panel.will('POST', whim)
  const giving = new AbortController()
  const arrival = panel.arrival('POST')
  const flushing = reporter.flush(giving.signal).then(
    () => 'ok',
    (error: unknown) => (error instanceof SourceError ? error.code : String(error)),
  )
  if (/never|slow/.test(whim)) {
    await arrival
    giving.abort()
  }
  return flushing
}

const seenBy = (...addresses: string[]): Presence => ({
  connections: addresses.length,
  takeSeen: () => addresses.splice(0),
})

describe('a post', () => {
  it('has what was not told yet', async () => {
    store.move('panel:1', 10, 200)
    store.move('panel:2', 0, 5)
    store.move('file:3', 1, 1)
    here.set('panel:1', seenBy('192.0.2.1', '2001:db8::1'))
    expect(await outcome()).toBe('ok')
    expect(panel.posts[0]?.body).toEqual({
      data: [
        {
          user_id: 1,
          upload_traffic: 10,
          download_traffic: 200,
          tcp_conn_num: 2,
          ip_list: ['192.0.2.1', '2001:db8::1'],
        },
        { user_id: 2, upload_traffic: 0, download_traffic: 5, tcp_conn_num: 0, ip_list: [] },
      ],
    })
    store.move('panel:1', 1, 2)
    expect(await outcome()).toBe('ok')
    expect(panel.posts[1]?.body.data).toMatchObject([{ user_id: 1, upload_traffic: 1, download_traffic: 2 }])
  })

  it('is a sign of life where there is nothing to tell', async () => {
    expect(await outcome()).toBe('ok')
    expect(panel.posts[0]?.body).toEqual({ data: [] })
  })

  it('tells bandwidths to those who want them', async () => {
    let now = 0
    const client = new PanelClient({ endpoint: panel.endpoint, timeoutMs: 60_000 })
    const keeper = new BatchKeeper(join(folder, 'b'), '')
    const timed = new UsageReporter({
      owner: 'panel',
      store,
      client,
      keeper,
      presences: () => undefined,
      now: () => now,
    })
    timed.wantsBandwidth = true
    store.move('panel:1', 6000, 60_000)
    now = 60_000
    await timed.flush(FOREVER)
    expect(panel.posts[0]?.body).toMatchObject({ upload_bandwidth: 100, download_bandwidth: 1000 })
  })

  it('has so many addresses of one user', async () => {
    store.move('panel:1', 1, 1)
    here.set('panel:1', seenBy(...Array.from({ length: 100 }, (_, n) => `192.0.2.${n}`)))
    await outcome()
    expect(panel.posts[0]?.body.data[0]?.ip_list).toHaveLength(16)
  })

  it('is several where it would be longer than servers take', async () => {
    for (let id = 0; id < 10_000; id += 1) store.move(`panel:${id}`, 1, 1)
    expect(await outcome()).toBe('ok')
    expect(panel.posts.length).toBeGreaterThan(1)
    for (const { body } of panel.posts) expect(JSON.stringify(body).length).toBeLessThan(600_000)
    expect(new Set(panel.posts.map(({ key }) => key)).size).toBe(panel.posts.length)
    expect([panel.booked.size, new Set(panel.booked.values())]).toEqual([10_000, new Set([2])])
  })
})

describe('a panel that says no', () => {
  it.each([
    ['404', 'PANEL_REFUSED'],
    ['auth error', 'PANEL_REFUSED'],
    ['elsewhere', 'PANEL_REFUSED'],
  ] as const)('with %s is told with the next post', async (whim, code) => {
    panel.knowsKeys = false
    store.move('panel:1', 1, 2)
    here.set('panel:1', seenBy('192.0.2.1'))
    expect(await outcome(whim)).toBe(code)
    store.move('panel:1', 10, 20)
    here.set('panel:1', seenBy('192.0.2.2'))
    expect(await outcome()).toBe('ok')
    expect(panel.posts.at(-1)?.body.data).toEqual([
      {
        user_id: 1,
        upload_traffic: 11,
        download_traffic: 22,
        tcp_conn_num: 1,
        ip_list: ['192.0.2.1', '192.0.2.2'],
      },
    ])
    expect(panel.booked.get(1)).toBe(33)
  })

  it('by not being there loses nothing', async () => {
    store.move('panel:1', 1, 2)
    await panel.close()
    await expect(reporter.flush(FOREVER)).rejects.toMatchObject({ code: 'PANEL_UNREACHABLE' })
    panel = await TestPanel.open()
    store.move('panel:1', 10, 20)
    reporter = await begin()
    expect(await outcome()).toBe('ok')
    expect(panel.booked.get(1)).toBe(33)
  })
})

describe.each([
  'cut',
  'cut, applied',
  'never',
  'never, applied',
  'half, applied',
  'slow, applied',
  '500',
  '500, applied',
  'html',
  'long',
] satisfies Whim[])('a panel that leaves it open, by %s,', (whim) => {
  it('gets the very same batch before anything new', async () => {
    store.move('panel:1', 1, 2)
    expect(await outcome(whim)).toMatch(/^PANEL_/)
    store.move('panel:1', 10, 20)
    store.move('panel:2', 5, 5)
    expect(await outcome('404')).toBe('PANEL_REFUSED')
    panel.posts.length = 0
    expect(await outcome(whim)).toMatch(/^PANEL_/)
    expect(await outcome()).toBe('ok')
    const told = panel.posts.map(({ key, body }) => JSON.stringify({ key, body }))
    expect(new Set(told).size).toBe(2)
    expect(panel.posts.at(-2)?.body.data).toMatchObject([{ user_id: 1, upload_traffic: 1 }])
    expect(panel.posts.at(-1)?.body.data).toMatchObject([{ user_id: 1, upload_traffic: 10 }, { user_id: 2 }])
    expect(Object.fromEntries(panel.booked)).toEqual({ 1: 33, 2: 10 })
  })

  it('gets it again after a restart', async () => {
    store.move('panel:1', 1, 2)
    expect(await outcome(whim)).toMatch(/^PANEL_/)
    store.move('panel:1', 10, 20)
    reporter = await begin()
    expect(await outcome()).toBe('ok')
    expect(panel.posts.at(-2)?.body.data).toMatchObject([{ user_id: 1, upload_traffic: 1 }])
    expect(panel.booked.get(1)).toBe(33)
  })
})

it('a panel that knows no keys counts twice what it booked without a word', async () => {
  panel.knowsKeys = false
  store.move('panel:1', 1, 2)
  await outcome('cut, applied')
  expect(await outcome()).toBe('ok')
  expect(panel.booked.get(1)).toBe(6)
})

describe('a batch that was booked', () => {
  it('is noted before the next is sent, and not sent again', async () => {
    store.move('panel:1', 1, 2)
    store.unwell = new Error('busy')
    expect(await outcome()).toBe('Error: busy')
    store.move('panel:1', 10, 20)
    expect(await outcome()).toBe('ok')
    expect(panel.posts.map(({ body }) => body.data[0]?.upload_traffic)).toEqual([1, 10])
    expect(panel.booked.get(1)).toBe(33)
  })

  it('is not sent again where the program died after it was noted', async () => {
    store.move('panel:1', 1, 2)
    expect(await outcome('never')).toBe('PANEL_TIMEOUT')
    await store.report('panel', [{ userId: 'panel:1', up: 1, down: 2 }])
    reporter = await begin()
    expect(await outcome()).toBe('ok')
    expect(panel.posts.map(({ body }) => body.data.length)).toEqual([1, 0])
  })
})

it('however a panel fails that knows keys, and whenever the program dies, it has booked each byte once', async () => {
  const step = fc.oneof(
    {
      weight: 2,
      arbitrary: fc.record({ user: fc.integer({ min: 1, max: 3 }), bytes: fc.integer({ min: 1, max: 9 }) }),
    },
    fc.constantFrom('no', 'lost', 'applied', 'yes', 'yes', 'restart'),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const owners = new MemoryOwners()
      const booked = new Map<string, number>()
      const keys = new Set<string>()
      let kept: UsageBatch | undefined
      let mood = 'yes'
      const start = async (): Promise<UsageReporter> => {
        const made = new UsageReporter({
          owner: 'panel',
          store: owners,
          presences: () => undefined,
          keeper: {
            kept: async () => kept,
            keep: async (batch) => void (kept = batch),
            letGo: async () => void (kept = undefined),
          },
          client: {
            post: async (body, key) => {
              if (mood === 'no') throw new SourceError('PANEL_REFUSED', 'no')
              if (mood === 'lost') throw new SourceError('PANEL_TIMEOUT', 'lost')
              const { data } = JSON.parse(body) as { data: { user_id: number; upload_traffic: number }[] }
              for (const row of keys.has(key) ? [] : data) {
                const id = `panel:${row.user_id}`
                booked.set(id, (booked.get(id) ?? 0) + row.upload_traffic)
              }
              keys.add(key)
              if (mood === 'applied') throw new SourceError('PANEL_BROKEN', 'applied')
              return Buffer.from('{}')
            },
          },
        })
        await made.start()
        return made
      }
      let running = await start()
      const moved = new Map<string, number>()
      for (const each of [...steps, 'yes']) {
        if (typeof each === 'object') {
          const id = `panel:${each.user}`
          owners.move(id, each.bytes, 0)
          moved.set(id, (moved.get(id) ?? 0) + each.bytes)
        } else if (each === 'restart') running = await start()
        else {
          mood = each
          await running.flush(FOREVER).catch(() => {})
        }
      }
      expect(booked).toEqual(moved)
    }),
    { numRuns: 300 },
  )
})
