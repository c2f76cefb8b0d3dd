import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { OwnerFeed } from './owner-feed.ts'
import { Panel } from './panel.ts'
import { PanelClient } from './panel-client.ts'
import { SourceStatus } from './source-status.ts'
import { LogLines } from './testing/log-lines.ts'
import { MemoryOwners } from './testing/memory-owners.ts'
import { TestPanel } from './testing/test-panel.ts'
import { UsageReporter } from './usage-reporter.ts'

const rowOf = (id: number): object => ({ user_id: id, port: 2345, method: 'aes-256-gcm', password: 'hello' })

let server: TestPanel
let store: MemoryOwners
let lines: LogLines
let users: SourceStatus
let usage: SourceStatus
let panel: Panel
/** Ends the request that is under way. */
let timeout: AbortController

const makePanel = (): Panel => {
  const { log } = lines
  const client = new PanelClient({
    endpoint: server.endpoint,
    timeoutMs: 0,
    timeout: () => (timeout = new AbortController()).signal,
  })
  const keeper = { kept: async () => undefined, keep: async () => {}, letGo: async () => {} }
  return new Panel({
    client,
    feed: new OwnerFeed({ owner: 'panel', store, log, status: users }),
    reporter: new UsageReporter({ owner: 'panel', store, client, keeper, presences: () => undefined }),
    status: { users, usage },
    syncMs: 3_600_000,
  })
}

beforeEach(async () => {
  server = await TestPanel.open()
  server.answer = { users: [rowOf(1), rowOf(2)] }
  store = new MemoryOwners()
  lines = new LogLines()
  users = new SourceStatus({ source: 'panel', log: lines.log })
  usage = new SourceStatus({ source: 'usage', log: lines.log })
  panel = makePanel()
})
afterEach(async () => {
  await panel.close(0)
  await server.close()
  if (/secret|hello/.test(lines.raw.join(''))) throw new Error('the log holds a secret')
})

describe('a panel', () => {
  it('says who the users are before it is told anything', async () => {
    await panel.start()
    expect(store.keys('panel')).toEqual(['1', '2'])
    expect(server.posts).toEqual([])
  })

  it('is told what they moved before it says who they are', async () => {
    await panel.start()
    store.move('panel:1', 1, 2)
    const asked = server.gets
    const arrival = server.arrival('POST')
    const round = panel.sync()
    await arrival
    expect(server.gets).toBe(asked)
    await round
    expect(server.booked.get(1)).toBe(3)
    expect(server.gets).toBe(asked + 1)
  })

  it('that has no users any more has none', async () => {
    await panel.start()
    server.answer = { users: [] }
    await panel.sync()
    expect(store.keys('panel')).toEqual([])
  })

  it.each([
    ['cut', 'PANEL_BROKEN'],
    ['half, applied', 'PANEL_BROKEN'],
    ['500', 'PANEL_FAILED'],
    ['404', 'PANEL_REFUSED'],
    ['auth error', 'PANEL_REFUSED'],
    ['html', 'PANEL_FORMAT'],
    ['long', 'PANEL_TOO_LONG'],
    ['never', 'PANEL_TIMEOUT'],
    ['slow, applied', 'PANEL_TIMEOUT'],
  ] as const)('that answers with %s has the users that it had, and the log one line', async (whim, code) => {
    await panel.start()
    for (let round = 0; round < 3; round += 1) {
      server.will('GET', whim)
      const arrival = server.arrival('GET')
      const synced = panel.sync()
      await arrival
      if (code === 'PANEL_TIMEOUT') timeout.abort()
      await synced
    }
    expect(store.keys('panel')).toEqual(['1', '2'])
    expect(lines.of('source.failed')).toEqual([
      {
        source: 'panel',
        code,
        reason: expect.any(String),
        panel: `${server.origin}/api/user_ss_config/7/`,
      },
    ])
    expect(users.sample).toMatchObject({ ok: 1, failed: 3 })
    server.answer = { users: [rowOf(3)] }
    await panel.sync()
    expect(store.keys('panel')).toEqual(['3'])
    expect(lines.messages.slice(-2)).toEqual(['users.synced', 'source.recovered'])
  })

  it('that takes no posts is asked all the same', async () => {
    await panel.start()
    server.will('POST', '500', '500')
    store.move('panel:1', 1, 2)
    server.answer = { users: [rowOf(4)] }
    await panel.sync()
    await panel.sync()
    expect(store.keys('panel')).toEqual(['4'])
    expect(lines.of('source.failed')).toMatchObject([{ source: 'usage', code: 'PANEL_FAILED' }])
    await panel.sync()
    expect(server.booked.get(1)).toBe(3)
    expect(usage.sample).toMatchObject({ ok: 1, failed: 2 })
  })

  it('of 2024 says which port is shared and where usage goes, and wants bandwidths', async () => {
    server.answer = {
      users: [{ user_id: 1, password: 'hello', enable: true, method: 'aes-256-gcm', protocol: 'ss' }],
      xray_config: { inbounds: [{ protocol: 'shadowsocks', port: 10_051 }] },
      sync_traffic_endpoint: `${server.origin}/traffic/?token=very-secret-token`,
    }
    await panel.start()
    expect(store.synced.at(-1)?.users[0]?.credentials).toMatchObject([{ port: 10_051 }])
    await panel.sync()
    expect(server.posts[0]?.url).toMatch(/^\/traffic\//)
    expect(server.posts[0]?.body).toEqual({ data: [], upload_bandwidth: 0, download_bandwidth: 0 })
  })

  it('is told the rest at the end', async () => {
    await panel.start()
    store.move('panel:2', 5, 5)
    await panel.close(60_000)
    expect(server.booked.get(2)).toBe(10)
  })

  it('that is silent does not hold up the end', async () => {
    await panel.start()
    store.move('panel:2', 5, 5)
    server.will('POST', 'never')
    await panel.close(50)
    expect(lines.of('source.failed')).toMatchObject([{ source: 'usage', code: 'PANEL_TIMEOUT' }])
  })

  it('is not asked any more at the end', async () => {
    server.will('GET', 'never')
    const arrival = server.arrival('GET')
    const started = panel.start()
    await arrival
    await panel.close(60_000)
    await started
    expect(lines.of('source.failed')).toEqual([])
  })
})
