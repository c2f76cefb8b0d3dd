import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock, Shaper } from '@sluice/ratelimit'
import { Account, type ErrorCode, type Held } from '@sluice/service'
import type { User } from '@sluice/userstore'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Agent } from './agent.ts'
import { BATCH_MAX, BATCHES_MAX } from './level-ledger.ts'
import { LiveRegistry } from './live-registry.ts'
import type { TunnelRecord } from './records.ts'
import type { LiveClient, LiveTunnel } from './registry.ts'
import { RecordStore } from './store/record-store.ts'

const NOON = Date.UTC(2026, 10, 21, 12)
const HASH = 'a'.repeat(64)
const OTHER_HASH = 'b'.repeat(64)
const KEY = 'k'.repeat(43)

let dir: string
let wall: { now: number }
let clock: ManualClock
let store: RecordStore
let registry: LiveRegistry
let told: number
const users = new Map<string, Account>()
const opened: { close(): void }[] = []
const log = { error: vi.fn<() => void>(), info: vi.fn<() => void>(), warn: vi.fn<() => void>() }

const openStore = (): RecordStore => {
  const one = RecordStore.open(join(dir, 'tunnels.db'), { now: () => wall.now, busyMs: 0 })
  opened.push(one)
  return one
}
const userOf = (id: string): User => ({ id, name: id, enabled: true, limits: {}, credentials: [] })
const accountOf = (id: string): Account => new Account(userOf(id), new Shaper(), {}, () => {})
const guest = accountOf('guest')

const open = (from: RecordStore = store): LiveRegistry => {
  const directory = { guest, byId: (id: string) => users.get(id) }
  const one = new LiveRegistry({ store: from, directory, log, clock, now: () => wall.now })
  one.watch(() => (told += 1))
  one.start()
  return one
}
const advance = (ms: number): void => {
  for (let left = ms; left > 0; left -= 500) {
    wall.now += Math.min(left, 500)
    clock.advance(Math.min(left, 500))
  }
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'registry-'))
  wall = { now: NOON }
  clock = new ManualClock()
  users.clear()
  store = openStore()
  registry = open()
  told = 0
})
afterEach(async () => {
  await registry.stop(0)
  for (const each of opened.splice(0)) each.close()
  vi.clearAllMocks()
  rmSync(dir, { recursive: true })
})

const clientOf = (id: number): LiveClient => {
  const client = registry.clients.get(id)
  if (client === undefined) throw new Error(`no client ${id}`)
  return client
}
const tunnelOf = (id: number): LiveTunnel => {
  const tunnel = registry.tunnels.get(id)
  if (tunnel === undefined) throw new Error(`no tunnel ${id}`)
  return tunnel
}
const tcp = (clientId: number, port: number, more: object = {}) =>
  ({ clientId, mode: 'tcp', host: '127.0.0.1', port, targets: ['80'], ...more }) as const

/** A session of a visitor in all of its levels. */
class Visitor implements Held {
  readonly kind = 'connection'
  readonly ip = '192.0.2.1'
  readonly cuts: ErrorCode[] = []
  held: Held['held'] = undefined
  cut(code: ErrorCode): void {
    this.cuts.push(code)
  }
  relimit(): void {}
}
const enter = (...accounts: Account[]): Visitor[] =>
  accounts.map((account) => {
    const visitor = new Visitor()
    account.enter(visitor, wall.now)
    return visitor
  })
const pass = (tunnel: LiveTunnel, up: number, down: number): void => {
  for (const level of tunnel.levels) {
    level.count('up', up)
    level.count('down', down)
  }
}
const agentOf = (clientId: number, kind: Agent['kind'] = 'native'): Agent & { why: string[] } => {
  const why: string[] = []
  const none = (): never => {
    throw new Error('not here')
  }
  return {
    why,
    kind,
    clientId,
    remote: { host: '::1', port: 1 },
    since: NOON,
    version: '1',
    rttMs: 0,
    streams: 0,
    closed: false,
    open: none,
    openFiles: none,
    openDatagrams: none,
    openPackets: none,
    close: (reason) => void why.push(reason),
  }
}

test('knows what is in the store, what another program adds within half a second, and its own at once', async () => {
  const theirs = openStore()
  theirs.addClient({ vkeyHash: HASH, publicKey: KEY })
  theirs.addTunnel({ clientId: 1, mode: 'secret', targets: ['22'], passwordHash: HASH })
  theirs.addHost({ clientId: 1, host: 'a.b', targets: ['80'] })
  expect(registry.clients.size).toBe(0)
  advance(500)
  expect(told).toBe(1)
  expect(registry.byVkeyHash(HASH)).toBe(clientOf(1))
  expect(registry.byPublicKey(KEY)).toBe(clientOf(1))
  expect(registry.byPasswordHash(HASH)).toBe(tunnelOf(1))
  expect(clientOf(1).tunnels.get(1)).toBe(tunnelOf(1))
  expect(clientOf(1).hosts.get(1)).toBe(registry.hosts.get(1))
  store.addTunnel(tcp(1, 8001))
  await Promise.resolve()
  expect([told, tunnelOf(2).record.port]).toEqual([2, 8001])
  advance(5000)
  expect(told).toBe(2)
})

test('a change leaves the object and its sessions alone, and holds at once', async () => {
  store.addClient({ vkeyHash: HASH })
  await Promise.resolve()
  const client = clientOf(1)
  const [first, second] = enter(client.account, client.account)
  store.patchClient(1, { remark: 'new', limits: { connections: 1 } })
  await Promise.resolve()
  expect(clientOf(1)).toBe(client)
  expect(client.record.remark).toBe('new')
  expect([first?.cuts, second?.cuts]).toEqual([[], ['CONNECTION_LIMIT']])
})

test('what is removed is cut, its client goes with all it has, and its programs are sent away', async () => {
  store.addClient({ vkeyHash: HASH })
  store.addTunnel(tcp(1, 1))
  store.addHost({ clientId: 1, host: 'a.b', targets: ['80'] })
  await Promise.resolve()
  const [client, tunnel] = [clientOf(1), tunnelOf(1)]
  const [visitor, other] = enter(tunnel.account, client.account)
  const agent = agentOf(1)
  registry.joined(client, agent)
  store.removeTunnel(1)
  await Promise.resolve()
  expect(visitor?.cuts).toEqual(['TUNNEL_REMOVED'])
  expect([other?.cuts, agent.why, client.tunnels.size]).toEqual([[], [], 0])
  store.removeClient(1)
  await Promise.resolve()
  expect(other?.cuts).toEqual(['TUNNEL_REMOVED'])
  expect(agent.why).toHaveLength(1)
  expect([registry.clients.size, registry.hosts.size, registry.byVkeyHash(HASH)]).toEqual([0, 0, undefined])
  const late = agentOf(1)
  registry.joined(client, late)
  expect([late.why.length, client.agents.all]).toEqual([1, [agent]])
})

test('of a disabled client the visitors are refused, and its programs stay', async () => {
  store.addClient({})
  await Promise.resolve()
  const agent = agentOf(1)
  registry.joined(clientOf(1), agent)
  const [visitor] = enter(clientOf(1).account)
  store.patchClient(1, { enabled: false })
  await Promise.resolve()
  expect(visitor?.cuts).toEqual(['USER_DISABLED'])
  expect(() => enter(clientOf(1).account)).toThrow(expect.objectContaining({ code: 'USER_DISABLED' }))
  expect([agent.why, clientOf(1).agents.all]).toEqual([[], [agent]])
})

test('a new key sends away who came by the old one, and nobody else', async () => {
  store.addClient({ vkeyHash: HASH, publicKey: KEY })
  await Promise.resolve()
  const [native, npc] = [agentOf(1), agentOf(1, 'npc')]
  for (const agent of [native, npc]) registry.joined(clientOf(1), agent)
  store.patchClient(1, { vkeyHash: OTHER_HASH })
  await Promise.resolve()
  expect([native.why.length, npc.why.length]).toEqual([0, 1])
  expect([registry.byVkeyHash(HASH), registry.byVkeyHash(OTHER_HASH)]).toEqual([undefined, clientOf(1)])
  expect(registry.left(clientOf(1), npc)).toBe(true)
  expect(registry.left(clientOf(1), npc)).toBe(false)
})

test('a client that expires is cut within half a second', async () => {
  store.addClient({ expiresAt: NOON + 1000 })
  await Promise.resolve()
  const [visitor] = enter(clientOf(1).account)
  advance(500)
  expect(visitor?.cuts).toEqual([])
  advance(500)
  expect(visitor?.cuts).toEqual(['USER_EXPIRED'])
})

test('is the user’s, or the guest’s, and never the guest’s because its user is gone', async () => {
  users.set('ada', accountOf('ada'))
  store.addClient({ userId: 'ada' })
  store.addClient({})
  await Promise.resolve()
  expect(registry.ownerOf(clientOf(1))).toBe(users.get('ada'))
  expect(registry.ownerOf(clientOf(2))).toBe(guest)
  users.clear()
  const owner = registry.ownerOf(clientOf(1))
  expect(owner).not.toBe(guest)
  expect(() => enter(owner)).toThrow(expect.objectContaining({ code: 'USER_REMOVED' }))
})

test('books twice a second, and tells flow to the byte in between', async () => {
  store.addClient({})
  store.addTunnel(tcp(1, 1))
  await Promise.resolve()
  pass(tunnelOf(1), 10, 20)
  expect(registry.flowOf('tunnel', 1)).toEqual({ inlet: 10, export: 20 })
  expect(store.flowOf('tunnel', 1)).toEqual({ inlet: 0, export: 0 })
  advance(500)
  expect(store.flowOf('tunnel', 1)).toEqual({ inlet: 10, export: 20 })
  pass(tunnelOf(1), 1, 0)
  expect(registry.flowOf('client', 1)).toEqual({ inlet: 11, export: 20 })
})

/** The most of one client in a batch. */
const WHOLE = BATCH_MAX * BATCHES_MAX

/** A client with so many tunnels that their flow is booked in three batches. */
const manyTunnels = async (): Promise<LiveTunnel[]> => {
  store.transaction(() => {
    store.addClient({})
    for (let port = 1; port <= 2 * WHOLE; port += 1) store.addTunnel(tcp(1, port))
  })
  await Promise.resolve()
  return [...registry.tunnels.values()]
}
const bookedOf = (tunnels: readonly LiveTunnel[]): number[] =>
  tunnels.map(({ record }) => store.flowOf('tunnel', record.id).inlet)

test('much is booked in batches one after the other, while tunnels are removed, changed and counted', async () => {
  const tunnels = await manyTunnels()
  const book = vi.spyOn(store, 'book')
  for (const [nth, tunnel] of tunnels.entries()) pass(tunnel, nth + 1, 0)
  advance(500)
  expect(book).toHaveBeenCalledTimes(1)
  // One whose flow is booked, and the last one, whose is not; by the server itself and by another program.
  const [first, last] = [tunnelOf(1), tunnelOf(tunnels.length)]
  pass(first, 1000, 0)
  store.removeTunnel(first.record.id)
  openStore().removeTunnel(last.record.id)
  await Promise.resolve()
  clock.advance(1)
  expect(book).toHaveBeenCalledTimes(2)
  clock.advance(100)
  expect(registry.tunnels.size).toBe(tunnels.length - 2)
  expect(bookedOf(tunnels)).toEqual(tunnels.map((_, nth) => nth + 1 + (nth === 0 ? 1000 : 0)))
  expect(Math.max(...book.mock.calls.map(([entries]) => entries.length))).toBe(WHOLE)
  const sum = (tunnels.length * (tunnels.length + 1)) / 2
  expect(store.flowOf('client', 1).inlet).toBe(sum)
  advance(500)
  expect(store.flowOf('client', 1).inlet).toBe(sum + 1000)
})

test.each([WHOLE - 1, 2 * WHOLE])(
  'a stop in the midst of the round of %d tunnels and their client books all, also what was counted behind it',
  async (counted) => {
    const tunnels = await manyTunnels()
    for (const tunnel of tunnels.slice(0, counted)) pass(tunnel, 1, 0)
    advance(500)
    const { timers } = clock
    for (const tunnel of tunnels.slice(0, 10)) pass(tunnel, 1, 0)
    await registry.stop()
    expect(clock.timers).toBe(timers - 2)
    expect(bookedOf(tunnels)).toEqual(tunnels.map((_, nth) => Number(nth < 10) + Number(nth < counted)))
    expect(store.flowOf('client', 1).inlet).toBe(10 + counted)
  },
)

test('a booking that fails loses nothing, and is told once', async () => {
  store.addClient({})
  store.addTunnel(tcp(1, 1))
  await Promise.resolve()
  const book = vi.spyOn(store, 'book').mockImplementation(() => {
    throw new Error('disk full')
  })
  pass(tunnelOf(1), 10, 20)
  advance(1000)
  pass(tunnelOf(1), 1, 2)
  advance(1000)
  expect(registry.flowOf('client', 1)).toEqual({ inlet: 11, export: 22 })
  expect(log.error).toHaveBeenCalledTimes(1)
  book.mockRestore()
  advance(1000)
  expect(store.flowOf('client', 1)).toEqual({ inlet: 11, export: 22 })
  expect(log.info).toHaveBeenCalledWith({}, 'records.recovered')
})

test('the last words are tried again, what came meanwhile too, and told where nothing helps', async () => {
  store.addClient({})
  store.addTunnel(tcp(1, 1))
  await Promise.resolve()
  const real = store.book.bind(store)
  const book = vi.spyOn(store, 'book').mockImplementationOnce(() => {
    pass(tunnelOf(1), 5, 5)
    throw new Error('busy')
  })
  pass(tunnelOf(1), 1, 1)
  const stopped = registry.stop()
  clock.advance(250)
  await stopped
  expect(store.flowOf('client', 1)).toEqual({ inlet: 6, export: 6 })
  book.mockImplementation(() => {
    throw new Error('disk full')
  })
  pass(tunnelOf(1), 7, 0)
  await registry.stop(0)
  expect(log.error).toHaveBeenLastCalledWith(
    {
      entries: [
        { kind: 'client', id: 1, inlet: 7, export: 0 },
        { kind: 'tunnel', id: 1, inlet: 7, export: 0 },
      ],
    },
    'records.lost',
  )
  book.mockImplementation(real)
})

test('bytes of a removed tunnel are booked to the end, and its client’s count stays', async () => {
  store.addClient({})
  store.addTunnel(tcp(1, 1))
  await Promise.resolve()
  const tunnel = tunnelOf(1)
  const [visitor] = enter(tunnel.account)
  pass(tunnel, 1, 1)
  store.removeTunnel(1)
  advance(1000)
  pass(tunnel, 2, 2)
  tunnel.account.leave(visitor!)
  advance(1000)
  expect(store.flowOf('tunnel', 1)).toEqual({ inlet: 3, export: 3 })
  expect(store.flowOf('client', 1)).toEqual({ inlet: 3, export: 3 })
})

test('a quota that is used up cuts, after a restart too, and a reset lets in again', async () => {
  store.addClient({ limits: { quotaBytes: 100 } })
  store.addTunnel(tcp(1, 1))
  await Promise.resolve()
  const [visitor] = enter(clientOf(1).account)
  pass(tunnelOf(1), 60, 39)
  await Promise.resolve()
  expect(visitor?.cuts).toEqual([])
  pass(tunnelOf(1), 1, 0)
  await Promise.resolve()
  expect(visitor?.cuts).toEqual(['QUOTA_EXCEEDED'])
  await registry.stop()
  store = openStore()
  registry = open()
  expect(() => enter(clientOf(1).account)).toThrow(expect.objectContaining({ code: 'QUOTA_EXCEEDED' }))
  openStore().resetFlow('client', 1)
  advance(500)
  enter(clientOf(1).account)
})

test('what a second server has booked counts for the quota too', async () => {
  store.addClient({ limits: { quotaBytes: 100 } })
  store.addTunnel(tcp(1, 1))
  await Promise.resolve()
  const [visitor] = enter(clientOf(1).account)
  const [ours, other] = [registry, open(openStore())]
  registry = other
  pass(tunnelOf(1), 100, 0)
  advance(1000)
  await Promise.resolve()
  expect(visitor?.cuts).toEqual(['QUOTA_EXCEEDED'])
  await other.stop()
  registry = ours
})

test('a period that ends at midnight of its zone lets in again, traffic or not', async () => {
  const limits = { quotaBytes: 10, quotaPeriod: 'day', quotaZone: 'Europe/Berlin' } as const
  store.addClient({ limits })
  store.addTunnel(tcp(1, 1))
  await Promise.resolve()
  pass(tunnelOf(1), 10, 0)
  advance(500)
  wall.now = Date.UTC(2026, 10, 21, 22, 59, 58)
  advance(1000)
  expect(() => enter(clientOf(1).account)).toThrow(expect.objectContaining({ code: 'QUOTA_EXCEEDED' }))
  advance(1000)
  enter(clientOf(1).account)
  expect(clientOf(1).account.used).toBe(0)
  expect(store.flowOf('client', 1)).toEqual({ inlet: 10, export: 0 })
})

test('nobody is cut for usage of a period that is no longer theirs', async () => {
  store.addClient({ limits: { quotaBytes: 100 } })
  store.addTunnel(tcp(1, 1))
  await Promise.resolve()
  pass(tunnelOf(1), 50, 0)
  advance(500)
  wall.now += 86_400_000
  const [visitor] = enter(clientOf(1).account)
  store.patchClient(1, { limits: { quotaBytes: 10, quotaPeriod: 'day' } })
  await Promise.resolve()
  await Promise.resolve()
  expect([visitor?.cuts, clientOf(1).account.used]).toEqual([[], 0])
  store.patchClient(1, { limits: { quotaBytes: 60, quotaPeriod: null } })
  await Promise.resolve()
  await Promise.resolve()
  expect([visitor?.cuts, clientOf(1).account.used]).toEqual([[], 50])
})

test('each minute the sum of tunnels and hosts is kept beside a client’s own count', async () => {
  store.addClient({})
  store.addTunnel(tcp(1, 1))
  await Promise.resolve()
  pass(tunnelOf(1), 1, 2)
  advance(59_500)
  expect(store.flowOf('aggregate', 1)).toEqual({ inlet: 0, export: 0 })
  advance(500)
  expect(store.flowOf('aggregate', 1)).toEqual({ inlet: 1, export: 2 })
})

test('others see who is connected and which tunnel has a problem, as long as the server runs', async () => {
  store.addClient({})
  store.addTunnel(tcp(1, 1))
  await Promise.resolve()
  registry.joined(clientOf(1), agentOf(1))
  tunnelOf(1).problem = 'in use'
  const theirs = openStore()
  advance(500)
  expect(theirs.presence.read()).toMatchObject({
    agents: [{ clientId: 1, kind: 'native' }],
    problems: { 1: 'in use' },
  })
  advance(60_000)
  expect(theirs.presence.read().agents).toHaveLength(1)
  await registry.stop()
  expect(theirs.presence.read().agents).toEqual([])
})

const lentTunnel = (more: Partial<TunnelRecord> = {}): TunnelRecord => ({
  ...tcp(1, 9001),
  id: 1,
  remark: '',
  enabled: true,
  limits: {},
  createdAt: NOON,
  balance: 'roundRobin',
  ...more,
})

test('lent tunnels live with who brought them, and count for their client alone', async () => {
  store.addClient({ maxTunnels: 2 })
  store.addTunnel(tcp(1, 1))
  await Promise.resolve()
  const lend = (more?: Partial<TunnelRecord>): Disposable =>
    registry.lend(clientOf(1), { tunnels: [lentTunnel(more)], hosts: [] })
  expect(() => lend({ port: 1 })).toThrow(expect.objectContaining({ code: 'PORT_TAKEN' }))
  const loan = lend()
  expect(() => lend({ port: 9002 })).toThrow(expect.objectContaining({ code: 'TUNNEL_LIMIT' }))
  expect([...registry.tunnels.keys()]).toEqual([1, -1])
  const tunnel = tunnelOf(-1)
  const [visitor] = enter(tunnel.account)
  pass(tunnel, 3, 4)
  expect(registry.flowOf('tunnel', -1)).toEqual({ inlet: 3, export: 4 })
  advance(60_000)
  expect(store.flowOf('client', 1)).toEqual({ inlet: 3, export: 4 })
  expect(store.flowOf('aggregate', 1)).toEqual({ inlet: 3, export: 4 })
  told = 0
  loan[Symbol.dispose]()
  loan[Symbol.dispose]()
  expect([told, visitor?.cuts, registry.tunnels.has(-1), tunnel.client.tunnels.size]).toEqual([
    1,
    ['TUNNEL_REMOVED'],
    false,
    1,
  ])
  expect(lend()).toBeDefined()
})

test('what was booked is taken to the disk every two seconds, one time after the other', async () => {
  store.addClient({})
  await Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  const sync = vi
    .spyOn(store, 'sync')
    .mockResolvedValue()
    .mockImplementationOnce(() => promise)
  advance(1500)
  expect(sync).not.toHaveBeenCalled()
  advance(5000)
  expect(sync).toHaveBeenCalledTimes(1)
  resolve()
  await vi.waitFor(() => {
    advance(2000)
    expect(sync).toHaveBeenCalledTimes(2)
  })
  sync.mockRejectedValue(new Error('disk gone'))
  await vi.waitFor(() => {
    advance(2000)
    expect(log.error).toHaveBeenCalledWith({ err: expect.any(Error) }, 'records.unreadable')
  })
})

test('a store that cannot be read leaves all as it is, told once a minute', async () => {
  store.addClient({})
  await Promise.resolve()
  openStore().addClient({})
  const changes = vi.spyOn(store, 'changesSince').mockImplementation(() => {
    throw new Error('gone')
  })
  advance(2000)
  expect([registry.clients.size, log.error.mock.calls.length]).toEqual([1, 1])
  changes.mockRestore()
  advance(500)
  expect(registry.clients.size).toBe(2)
})
